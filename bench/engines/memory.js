// @ts-check
import { existsSync, readFileSync } from 'node:fs'

/** Bytes of this process in memory: now, and at most so far. */
export function memory() {
  if (!existsSync('/proc/self/status')) {
    return { now: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 }
  }
  // ru_maxrss begins with the parent's peak on Linux; the peak in /proc is the process's own.
  const status = readFileSync('/proc/self/status', 'utf8')
  const field = (/** @type {string} */ name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

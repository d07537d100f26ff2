// @ts-check
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Results as JSON lines: finished ones are found again by what they are a result of. */
export class Results {
  /** @param {string} path */
  constructor(path) {
    this.path = path
    mkdirSync(dirname(path), { recursive: true })
    /** @type {Map<string, any>} */
    this.byKey = new Map()
    if (existsSync(path)) {
      // A run that was killed may leave half a line.
      const text = readFileSync(path, 'utf8')
      if (!text.endsWith('\n')) truncateSync(path, Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1)))
    }
    for (const line of readLines(path)) this.byKey.set(line.key, line)
  }

  /** @param {unknown[]} of - what identifies the result. */
  static key(...of) {
    return JSON.stringify(of)
  }

  /** @param {string} key */
  find(key) {
    return this.byKey.get(key)
  }

  /** @param {{ key: string, [field: string]: unknown }} result */
  add(result) {
    this.byKey.set(result.key, result)
    appendFileSync(this.path, `${JSON.stringify(result)}\n`)
  }

  /** Forget a result that no longer holds. @param {string} key */
  remove(key) {
    if (!this.byKey.delete(key)) return
    writeFileSync(
      this.path,
      this.all()
        .map((result) => `${JSON.stringify(result)}\n`)
        .join(''),
    )
  }

  /** Every result, the latest of each key. */
  all() {
    return [...this.byKey.values()]
  }
}

/** The objects of a JSON lines file; none where there is no file. @param {string} path @returns {any[]} */
export function readLines(path) {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

import { expect } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { DATA } from './places.js'

interface Told {
  code: string
  name: string
  message: string
}

/** What `opening` of programs/check.js returns. */
export interface Opened {
  ids: number[]
  batch: number[]
  nearest: number
  broken: Told
  truncated: Told
  closed: Told
}

/** What `building` of programs/check.js returns. */
export interface Built {
  ids: number[]
  trainedSum: number
  smallSum: number
  exact: number[]
  phases: string[]
  detached: number
  trainer: string
  leaves: number
  turns: number
}

/** What Node found when it built the index. */
export function expected(): { ids: number[]; trainedSum: number; smallSum: number; leaves: number } {
  return JSON.parse(readFileSync(`${DATA}expected.json`, 'utf8'))
}

/** The same ids, one by one and in a batch; broken files and a closed index refused. */
export function expectOpened(opened: Opened): void {
  const { ids } = expected()
  expect(opened.ids).toEqual(ids)
  expect(opened.batch).toEqual(ids)
  expect(opened.nearest).toBe(7)
  expect(opened.broken).toMatchObject({ code: 'BATL_FORMAT', name: 'FormatError' })
  expect(opened.broken.message).toMatch(/does not match its checksum/)
  expect(opened.truncated).toMatchObject({ code: 'BATL_FORMAT', name: 'FormatError' })
  expect(opened.closed).toMatchObject({ code: 'BATL_CLOSED', name: 'ClosedError' })
}

/** A trained tree whose searches find the rows themselves, built while timers went on. */
export function expectBuilt(built: Built): void {
  const { leaves, smallSum, ids } = expected()
  expect(built).toMatchObject({ trainer: 'wasm', leaves, smallSum, detached: 240_000 })
  expect(built.exact).toEqual(Array.from({ length: 20 }, (_, i) => i))
  expect(built.phases).toEqual(['encode', 'labels', 'partition', 'read', 'train', 'tune'])
  expect(built.turns).toBeGreaterThan(10)
  const own = built.ids.filter((id, i) => i % 5 === 0 && id === i / 5)
  expect(own.length).toBeGreaterThan(190)
  const same = built.ids.filter((id, i) => id === ids[i])
  expect(same.length / ids.length).toBeGreaterThan(0.9)
}

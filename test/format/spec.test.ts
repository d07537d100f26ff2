import { describe, expect, test } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import {
  CODES,
  ENTRY,
  ENTRY_BYTES,
  HEADER,
  HEADER_BYTES,
  KIND,
  MAGIC,
  MAJOR,
  META,
  META_BYTES,
  MINOR,
  planLayout,
  ROWS_OFFSET,
  RUNG,
  RUNG_BYTES,
  TABLE_CAPACITY,
  TABLE_END,
  type Field,
} from '../../build/format/layout.js'
import { treeShape } from '../../build/tree/shape.js'
import { MAX_RUNGS } from '../../build/tree/snapshot.js'

const spec = await readFile(new URL('../../FORMAT.md', import.meta.url), 'utf8')

/** Tables of the document as rows of cells, heads and rules left out, by the words of their heads. */
function tables(): { head: string; rows: string[][] }[] {
  return [...spec.matchAll(/(?:^\|.*\|\n)+/gm)].map(([text]) => {
    const lines = text.trim().split('\n')
    const cells = lines.map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
    return { head: cells[0]!.join(' '), rows: cells.slice(2) }
  })
}

const BYTES: Record<string, number> = { u8: 1, u16: 2, u32: 4, u64: 8, i64: 8, f32: 4, f64: 8, rung: RUNG_BYTES }

function bytesOf(type: string): number {
  const [, name, count = '1'] = /^(\w+?)(?:\[(\d+)\])?$/.exec(type)!
  return BYTES[name!]! * Number(count)
}

describe('FORMAT.md and layout.ts', () => {
  const structures: [string, Readonly<Record<string, Field>>, number][] = [
    ['header', HEADER, HEADER_BYTES],
    ['table entry', ENTRY, ENTRY_BYTES],
    ['meta', META, META_BYTES],
    ['rung', RUNG, RUNG_BYTES],
  ]

  test.each(structures.map((structure, i) => [...structure, i] as const))('agree on %s', (_, fields, bytes, i) => {
    const table = tables().filter(({ head }) => head === 'offset type name unit valid range')[i]!
    const written = table.rows.map(([offset, type, name]) => [name, { offset: Number(offset), type }])
    expect(Object.fromEntries(written)).toEqual(fields)
    let end = 0
    for (const { offset, type } of Object.values(fields)) {
      expect(offset).toBe(end)
      end += bytesOf(type)
    }
    expect(end).toBe(bytes)
  })

  test('agree on the kinds of section', () => {
    const table = tables().find(({ head }) => head === 'kind name present length')!
    expect(Object.fromEntries(table.rows.map(([kind, name]) => [name, Number(kind)]))).toEqual(KIND)
  })

  test('agree on codes, magic, version and fixed places', () => {
    const meta = new Map(tables().flatMap(({ rows }) => rows.map((row) => [row[2], row[4]] as const)))
    for (const [name, names] of Object.entries(CODES)) {
      expect(meta.get(name)).toBe(names.map((value, code) => `${code} ${value}`).join(', '))
    }
    expect(meta.get('magic')).toBe(MAGIC.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' '))
    expect(spec).toContain(`version ${MAJOR}.${MINOR}\n`)
    expect(spec).toContain(`section table      ${TABLE_CAPACITY} x ${ENTRY_BYTES}`)
    expect(spec).toMatch(new RegExp(`^${TABLE_END} +\\+`, 'm'))
    expect(spec).toMatch(new RegExp(`^${ROWS_OFFSET} +\\+`, 'm'))
    expect(META_BYTES).toBe(META.rungs.offset + MAX_RUNGS * RUNG_BYTES)
  })

  test('the worked example is the fixture', async () => {
    const file = await readFile(new URL('fixtures/v1/exact.batl', import.meta.url))
    const lines = [...spec.matchAll(/^([0-9a-f]{8}) {2}((?:[0-9a-f]{2} ?){16})$/gm)]
    const shown = new Uint8Array(file.length)
    for (const [, offset, bytes] of lines)
      shown.set(Buffer.from(bytes!.replace(/ /g, ''), 'hex'), parseInt(offset!, 16))
    expect(lines.length).toBeGreaterThan(5)
    expect(Buffer.compare(shown, file)).toBe(0)
  })
})

describe('planLayout', () => {
  test('aligns every section to 64 bytes, without overlap, rows always at the same place', () => {
    for (const idKind of ['row', 'f64', 'string'] as const) {
      for (const arities of [[], [5], [4, 3]]) {
        const shape = treeShape(arities)
        const tree = { trees: arities.length > 0 ? 2 : 0, entryCount: arities.length > 0 ? 150 : 0 }
        const codeBytes = arities.length > 0 ? 2 : 0
        const header = { size: 101, dim: 7, metric: 'cosine', rowType: 'f16', router: 'linear', ...tree } as const
        const { sections, length } = planLayout({ ...header, codeBytes, idKind, shape }, 333)
        let end = TABLE_END
        for (const { offset, length: bytes } of sections) {
          expect(offset % 64).toBe(0)
          expect(offset - end).toBeGreaterThanOrEqual(0)
          expect(offset - end).toBeLessThan(64)
          end = offset + bytes
        }
        expect(length).toBe(Math.ceil(end / 64) * 64)
        expect(sections.find(({ name }) => name === 'rows')).toEqual({
          name: 'rows',
          tree: 0,
          offset: ROWS_OFFSET,
          length: 1616,
        })
        expect(sections.length).toBe(3 + (arities.length > 0 ? 4 + 2 * 3 : 0) + { row: 0, f64: 1, string: 2 }[idKind])
      }
    }
  })
})

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import h5wasm from 'h5wasm/node'
import { mixture } from '../../bench/harness/mixture.js'
import { findSource } from '../../bench/harness/sources.js'

const folder = mkdtempSync(join(tmpdir(), 'batl-sources-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function writeHdf5(path: string, distance: string): Promise<void> {
  await h5wasm.ready
  const file = new h5wasm.File(path, 'w')
  file.create_dataset({ name: 'train', data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] })
  file.create_dataset({ name: 'test', data: Float32Array.of(5, 6.5), shape: [1, 2] })
  file.create_dataset({ name: 'neighbors', data: Int32Array.of(2, 1), shape: [1, 2] })
  file.create_attribute('distance', distance)
  file.close()
}

test('an HDF5 file of ann-benchmarks gives rows, queries, metric and truth', async () => {
  const path = join(folder, 'tiny-2-angular.hdf5')
  await writeHdf5(path, 'angular')
  const found = findSource(path, undefined)
  expect(found.name).toBe('tiny-2-angular')
  const source = await found.read()
  expect(source).toMatchObject({ metric: 'cosine', queryCount: 1, base: { type: 'f32', dim: 2, size: 3 } })
  expect([...source.base.rows]).toEqual([1, 2, 3, 4, 5, 6])
  expect([...source.queries]).toEqual([5, 6.5])
  expect(source.truth).toEqual({ ids: Uint32Array.of(2, 1), k: 2 })
})

test('a distance that is not known asks for --metric', async () => {
  const path = join(folder, 'sets.hdf5')
  await writeHdf5(path, 'jaccard')
  await expect(findSource(path, undefined).read()).rejects.toThrow("distance 'jaccard' is not known")
  expect((await findSource(path, 'l2').read()).metric).toBe('l2')
})

test('what is no data set is an error that names the choices', async () => {
  expect(() => findSource('nothing-of-that-name', undefined)).toThrow('glove-100')
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  await expect(findSource(empty, 'l2').read()).rejects.toThrow('base.* and query.* are expected')
})

test('a mixture is the same each time, its queries others of the same kind', () => {
  const rows = mixture({ size: 300, dim: 40 })
  expect(mixture({ size: 300, dim: 40 })).toEqual(rows)
  const queries = mixture({ size: 300, dim: 40, stream: 1 })
  expect(rows.every(Number.isFinite) && queries.every(Number.isFinite)).toBe(true)
  expect(queries).not.toEqual(rows)
  // As long as the rows, as they would not be with other axes or centres.
  const length = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0)
  expect(length(queries) / length(rows)).toBeCloseTo(1, 1)
  expect(findSource('mixture-40', undefined)).toMatchObject({ name: 'mixture-40', stamp: '' })
  expect(() => findSource('mixture-0', undefined)).toThrow('mixture-DIM')
})

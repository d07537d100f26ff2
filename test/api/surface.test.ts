import { describe, expect, test } from '@jest/globals'
import * as library from '../../build/index.js'
import { BatlIndex } from '../../build/index.js'
import * as searching from '../../build/search.js'
import { BatlIndex as SearchIndex } from '../../build/search.js'

/** The public surface is fixed: other programs are written against these names. */
describe('the public surface', () => {
  test('exports', () => {
    expect(Object.keys(library).sort()).toEqual([
      'BatlError',
      'BatlIndex',
      'CapacityError',
      'ClosedError',
      'DimensionMismatchError',
      'FormatError',
      'InvalidArgumentError',
      'UnsupportedError',
      'VersionError',
      'exactSearch',
      'init',
      'readVectors',
    ])
  })

  test('batl/search exports the same but what builds, and the same errors', () => {
    const names = Object.keys(library).filter((name) => !['exactSearch', 'readVectors'].includes(name))
    expect(Object.keys(searching).sort()).toEqual(names.sort())
    expect(searching.FormatError).toBe(library.FormatError)
    expect('build' in SearchIndex).toBe(false)
    expect(SearchIndex.name).toBe('BatlIndex')
  })

  test('an index has these methods and fields, and hides the rest', async () => {
    const statics = Object.getOwnPropertyNames(BatlIndex).filter(
      (name) => !['length', 'name', 'prototype'].includes(name),
    )
    expect(statics.sort()).toEqual(['attach', 'build', 'estimate', 'fromBytes', 'open'])
    const prototype = Object.getPrototypeOf(BatlIndex.prototype) as object
    expect(Object.getOwnPropertyNames(BatlIndex.prototype)).toEqual(['constructor'])
    expect(prototype).toBe(SearchIndex.prototype)
    const names = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor')
    expect(names.sort()).toEqual(
      'close evaluate get has save search searchBatch searchById share stats toBytes'.split(' '),
    )
    const symbols = Object.getOwnPropertySymbols(prototype)
    expect(symbols).toEqual(expect.arrayContaining([Symbol.dispose, Symbol.asyncDispose]))
    await using index = await BatlIndex.build([[1, 2]])
    expect(Object.keys(index).sort()).toEqual(['dim', 'metric', 'size'])
  })

  test('what comes later is absent, not stubbed', async () => {
    await using index = await BatlIndex.build([[1, 2]])
    for (const name of ['add', 'remove', 'compact', 'retrain']) expect(name in index).toBe(false)
  })
})

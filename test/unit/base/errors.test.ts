import { expect, test } from '@jest/globals'
import {
  BatlError,
  CapacityError,
  ClosedError,
  DimensionMismatchError,
  FormatError,
  fromPlainError,
  InvalidArgumentError,
  toPlainError,
  UnsupportedError,
  VersionError,
} from '../../../build/base/errors.js'

test.each([
  new BatlError('something', 'BATL_TRAINING'),
  new InvalidArgumentError('k', 'k is 0'),
  new DimensionMismatchError(3, 5, 'the query'),
  new CapacityError('too much', 7, 9),
  new FormatError('no index', 12),
  new VersionError('9.0', '1'),
  new ClosedError(),
  new UnsupportedError('not here'),
])('%s crosses a thread with class, code, message and fields', (error) => {
  const crossed = fromPlainError(structuredClone(toPlainError(error)))
  expect(crossed.constructor).toBe(error.constructor)
  expect({ ...crossed, name: crossed.name }).toEqual({ ...error, name: error.name })
  if (!(error instanceof DimensionMismatchError)) expect(crossed.message).toBe(error.message)
})

test('what is no error of ours arrives with what it said', () => {
  for (const thrown of [new TypeError('oh dear'), 'oh dear', { toString: () => 'oh dear' }]) {
    const crossed = fromPlainError(structuredClone(toPlainError(thrown)))
    expect(crossed.code).toBe('BATL_ERROR')
    expect(crossed.message).toContain('oh dear')
  }
})

import { beforeEach, describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { applyEdits, bytesOfText, withMemory } from '../../build/kernels/binary.js'
import { instantiateKernels } from '../../build/kernels/kernels.js'
import { loadBuildKernels } from '../../build/kernels/load-build.js'
import { kernelModule, kernelsShare, loadKernels, setKernelModule } from '../../build/kernels/load.js'
import { Arena } from '../../build/kernels/memory.js'
import * as searching from '../../build/wasm/binaries.js'
import * as building from '../../build/wasm/build-binaries.js'

const MIB = 1 << 20

/** The error that a call throws. */
function thrown(call: () => unknown): { code?: string; limit?: number; wanted?: number; argument?: string } {
  try {
    call()
  } catch (error) {
    return error as object
  }
  throw new Error('nothing was thrown')
}

describe('load', () => {
  test('compiles one module per thread, and takes another', () => {
    const module = kernelModule()
    expect(kernelModule()).toBe(module)
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true })
    expect(instantiateKernels(module, memory).heapBytes(10)).toBe(96)
    const other = new WebAssembly.Module(readFileSync(new URL('../../build/wasm/kernels.wasm', import.meta.url)))
    setKernelModule(other)
    expect(kernelModule()).toBe(other)
    expect(kernelsShare()).toBe(false)
    expect(Arena.create().memory.buffer).not.toBeInstanceOf(SharedArrayBuffer)
    setKernelModule(module)
    expect(kernelsShare()).toBe(true)
    const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
    expect(thrown(() => setKernelModule(empty))).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'wasm' })
    expect(kernelModule()).toBe(module)
  })

  const file = (name: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(readFileSync(new URL(`../../build/wasm/${name}.wasm`, import.meta.url)))

  test.each([
    ['all kernels', building, 'strict', 'relaxed'],
    ['the kernels of searching', searching, 'search-strict', 'search-relaxed'],
  ])('%s: the binaries that are carried are the compiled ones', (_, { strict, relaxed }, strictFile, relaxedFile) => {
    const plain = (): Uint8Array<ArrayBuffer> => bytesOfText(strict as string)
    expect(Buffer.compare(withMemory(plain(), true), file(strictFile))).toBe(0)
    const other = Uint8Array.from(applyEdits(plain(), relaxed))
    expect(Buffer.compare(withMemory(other, true), file(relaxedFile))).toBe(0)
  })

  test.each([
    ['strict', 'kernels'],
    ['relaxed', 'kernels-relaxed'],
  ])('%s: the file for a plain memory is the compiled one', (name, published) => {
    expect(Buffer.compare(withMemory(file(published), true), file(name))).toBe(0)
  })

  test('searching has some of the kernels, and building takes the place of searching, once', async () => {
    const names = (name: string): string[] =>
      WebAssembly.Module.exports(new WebAssembly.Module(file(name))).map((one) => one.name)
    const [some, all] = [names('search-strict'), names('strict')]
    expect(some.filter((name) => !all.includes(name))).toEqual([])
    expect(all.length).toBeGreaterThan(some.length)

    setKernelModule(new WebAssembly.Module(file('search-strict')))
    const before = Arena.common()
    expect([before.isCommon, Arena.create().isCommon]).toEqual([true, false])
    const address = before.allocate(64)
    await loadKernels()
    expect(Arena.common()).toBe(before)
    await loadBuildKernels()
    const module = kernelModule()
    expect(WebAssembly.Module.exports(module).length).toBe(all.length)
    expect(Arena.common()).not.toBe(before)
    expect([before.isCommon, Arena.common().isCommon]).toEqual([true, true])
    before.free(address)
    await loadBuildKernels()
    await loadKernels()
    expect(kernelModule()).toBe(module)
  })

  test('edits replace, insert and remove, in order', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6)
    expect([...applyEdits(bytes, [])]).toEqual([...bytes])
    expect([
      ...applyEdits(bytes, [
        [0, 1, 9],
        [1, 0, 7, 8],
        [2, 2],
      ]),
    ]).toEqual([9, 2, 7, 8, 3, 4])
    expect([...applyEdits(bytes, [[6, 0, 7]])]).toEqual([1, 2, 3, 4, 5, 6, 7])
  })
})

describe('Arena', () => {
  let arena: Arena
  beforeEach(() => {
    arena = Arena.create(MIB)
  })

  test('addresses are multiples of 64 above the kernels, apart and zero', () => {
    const base = arena.kernels.heapBase()
    const blocks = [1, 64, 65, 1000, 0, 16].map((bytes) => ({ bytes, address: arena.allocate(bytes) }))
    for (const { bytes, address } of blocks) {
      expect(address % 64).toBe(0)
      expect(address).toBeGreaterThanOrEqual(base)
      expect(arena.u8(address, bytes).every((byte) => byte === 0)).toBe(true)
      arena.u8(address, bytes).fill(blocks.length)
    }
    const sorted = [...blocks].sort((a, b) => a.address - b.address)
    sorted.slice(1).forEach((block, i) => {
      expect(block.address).toBeGreaterThanOrEqual(sorted[i]!.address + Math.max(1, sorted[i]!.bytes))
    })
  })

  test('what is given back is taken again, zeroed, and neighbours join', () => {
    const [a, b, c, d] = [1000, 1000, 1000, 1000].map((bytes) => arena.allocate(bytes)) as [
      number,
      number,
      number,
      number,
    ]
    arena.u8(b, 1000).fill(255)
    for (const address of [b, a, c]) arena.free(address)
    expect(arena.allocate(3072)).toBe(a)
    expect(arena.u8(a, 3072).every((byte) => byte === 0)).toBe(true)
    expect(arena.allocate(64)).toBeGreaterThan(d)
  })

  test('all of a memory can be given back and taken again in one piece', () => {
    const before = arena.memory.buffer.byteLength
    const addresses = Array.from({ length: 100 }, () => arena.allocate(5000))
    for (let i = 0; i < 100; i++) arena.free(addresses[(i * 37) % 100]!)
    const whole = arena.allocate(1_000_000)
    expect(whole).toBe(addresses[0])
    expect(arena.memory.buffer.byteLength).toBe(before)
  })

  test('grows by what its free end lacks when more is asked for; earlier views stay valid', () => {
    const first = arena.allocate(64)
    const view = arena.f32(first, 4)
    const large = arena.allocate(10 * MIB)
    arena.f32(first, 4)[2] = 7
    expect(view[2]).toBe(7)
    arena.f32(large, (10 * MIB) / 4)[(10 * MIB) / 4 - 1] = 1.5
    expect(arena.memory.buffer.byteLength).toBeGreaterThanOrEqual(large + 10 * MIB)
    expect(arena.memory.buffer.byteLength).toBeLessThan(large + 10 * MIB + 65_536)
  })

  test('two arenas over one memory never overlap when they grow in turns', () => {
    const other = Arena.attach(arena.memory)
    const taken: { address: number; bytes: number; mark: number }[] = []
    for (let turn = 0; turn < 12; turn++) {
      for (const [mark, owner] of [arena, other].entries()) {
        const bytes = 300_000 + turn * 100_000
        const address = owner.allocate(bytes)
        expect(owner.u8(address, bytes).every((byte) => byte === 0)).toBe(true)
        owner.u8(address, bytes).fill(mark + 1)
        taken.push({ address, bytes, mark: mark + 1 })
      }
    }
    for (const { address, bytes, mark } of taken) {
      expect(arena.u8(address, bytes).every((byte) => byte === mark)).toBe(true)
    }
    expect(thrown(() => other.free(taken[0]!.address)).code).toBe('BATL_INVALID_ARGUMENT')
  })

  test('a double or foreign free is refused', () => {
    const address = arena.allocate(100)
    arena.free(address)
    expect(thrown(() => arena.free(address))).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'address' })
    expect(thrown(() => arena.free(3)).code).toBe('BATL_INVALID_ARGUMENT')
  })

  test('more than 4 GiB is refused with the limit and what was wanted, and the arena lives on', () => {
    const wanted = 2 ** 32 + 1
    const error = thrown(() => arena.allocate(wanted))
    expect(error).toMatchObject({ code: 'BATL_CAPACITY', limit: 2 ** 32, wanted: 2 ** 32 + 64 })
    expect(thrown(() => Arena.create(2 ** 33)).code).toBe('BATL_CAPACITY')
    expect(arena.allocate(64) % 64).toBe(0)
  })

  test.each([-1, 1.5, NaN, 2 ** 60])('allocate(%p) is refused', (bytes) => {
    expect(thrown(() => arena.allocate(bytes)).code).toBe('BATL_INVALID_ARGUMENT')
  })

  test('views out of range or alignment are refused', () => {
    const end = arena.memory.buffer.byteLength
    expect(arena.u8(end - 4, 4).length).toBe(4)
    const refused: (() => unknown)[] = [
      () => arena.u8(end - 4, 5),
      () => arena.f32(end, 1),
      () => arena.f32(2, 1),
      () => arena.i16(1, 1),
      () => arena.u32(-4, 1),
      () => arena.u32(0, -1),
      () => arena.i16(3, 1),
      () => arena.f32(0, 2 ** 53),
      () => arena.u8(0, NaN),
    ]
    for (const call of refused) expect(thrown(call).code).toBe('BATL_INVALID_ARGUMENT')
  })

  test('the common arena is one', () => {
    expect(Arena.common()).toBe(Arena.common())
    expect(Arena.common().allocate(8) % 64).toBe(0)
  })
})

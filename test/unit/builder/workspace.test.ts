import { describe, expect, test } from '@jest/globals'
import { Workspace } from '../../../build/builder/workspace.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'

await loadBuildKernels()

describe('a workspace', () => {
  test('gives arrays that threads share, and takes the place of those that came back for others', () => {
    const workspace = new Workspace()
    const [first, kept] = [workspace.copyU32([1, 2, 3]), workspace.copyF32([0.5, -1])]
    expect([...first]).toEqual([1, 2, 3])
    expect([...kept]).toEqual([0.5, -1])
    expect(first.buffer).toBeInstanceOf(SharedArrayBuffer)
    workspace.give(first)
    const next = workspace.f32(3)
    expect(next.byteOffset).toBe(first.byteOffset)
    expect([...next]).toEqual([0, 0, 0])
    expect([...kept]).toEqual([0.5, -1])
  })

  test('holds no more than what is in use at once', () => {
    const workspace = new Workspace()
    const length = 1 << 20
    workspace.give(workspace.u32(length))
    const bytes = workspace.arena.memory.buffer.byteLength
    for (let i = 0; i < 50; i++) {
      const [one, two] = [workspace.u32(length / 2), workspace.f32(length / 2)]
      workspace.give(two, one)
    }
    expect(workspace.arena.memory.buffer.byteLength).toBe(bytes)
  })

  test('leaves alone what is not its own, and what came back already', () => {
    const workspace = new Workspace()
    const own = workspace.copyU32([7])
    workspace.give(own, own, new Float32Array(3), new Workspace().u32(2))
    const next = workspace.copyU32([8])
    workspace.give(own)
    expect([...next]).toEqual([8])
    expect([...workspace.copyU32([9])]).toEqual([9])
    expect([...next]).toEqual([8])
  })

  test('views stay valid when it grows', () => {
    const workspace = new Workspace()
    const first = workspace.copyU32([1, 2, 3])
    workspace.u32(1 << 22)[0] = 5
    expect([...first]).toEqual([1, 2, 3])
  })

  test('gives arrays of their own where its memory has an end', () => {
    const workspace = new Workspace()
    Object.defineProperty(workspace.arena.memory, 'grow', {
      value: () => {
        throw new RangeError('no more')
      },
    })
    const big = workspace.u32(1 << 20)
    expect(big.length).toBe(1 << 20)
    expect(big.buffer).not.toBe(workspace.arena.memory.buffer)
    workspace.give(big)
  })
})

import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { buildIndex } from '../../../build/builder/build.js'
import { LeafWriter } from '../../../build/codes/leaf-writer.js'
import { NO_ENTRY } from '../../../build/eval/score-counts.js'
import type { Holders } from '../../../build/pool/messages.js'
import { codeRanks } from '../../../build/pool/rank-tasks.js'
import { beamRanks } from '../../../build/pool/route-tasks.js'
import { TreeScan } from '../../../build/search/tree-scan.js'
import { routerFloats, routerTensors } from '../../../build/tree/router.js'
import { treeShape } from '../../../build/tree/shape.js'
import { makeTable } from '../partition/table.js'

const DIM = 12
const SIZE = 6000
const K = 10
const NOT_MET = 0xffff_ffff

/** Rows in clumps, so that leaves differ in what they hold. */
function clumps(rng: Rng, count: number): Float32Array {
  const rows = new Float32Array(count * DIM)
  for (let i = 0; i < count; i++) {
    const clump = new Rng(rng.below(60), 1)
    for (let d = 0; d < DIM; d++) rows[i * DIM + d] = clump.normal() * 3 + rng.normal()
  }
  return rows
}

describe('ranks by code', () => {
  test.each([
    [1, 0],
    [1, 5],
    [2, 0],
    [2, 5],
  ])('of settings that are tried together are those of each alone: %i trees, reach %d', async (trees, reach) => {
    const rows = clumps(new Rng(1), SIZE)
    const options = { dim: DIM, copies: 1.5, leafSize: 30, trees, trainer: 'wasm', seed: 3 } as const
    const { arena, key, snapshot } = await buildIndex(rows, options, 1)
    const { shape } = snapshot
    const beamWidth = shape.nodeCounts.at(-2)!
    const settings = [1, 2, 5, 11, 40, 90, shape.leafCount].map((probes, i) => ({
      probes,
      beamWidth,
      rerank: 1,
      // Each visits what those before it visit, and more; the last one every leaf.
      leafReach: reach * [0.1, 0.2, 0.5, 1, 2, 4, 0][i]!,
    }))
    const holders = snapshot.tree.map((view): Holders => {
      const records = new LeafWriter(view, snapshot)
      const held: number[][] = Array.from({ length: SIZE }, () => [])
      for (let leaf = 0; leaf < shape.leafCount; leaf++)
        for (const position of records.positions(leaf)) held[position]!.push(leaf)
      const offsets = new Uint32Array(SIZE + 1)
      held.forEach((leaves, position) => (offsets[position + 1] = offsets[position]! + leaves.length))
      return { offsets, leaves: Uint32Array.from(held.flat()) }
    })
    const rng = new Rng(7)
    const total = 12
    const matrix = clumps(rng, total)
    // The last of each query's neighbours is none.
    const neighbours = new Uint32Array(total * K).map((_, i) => (i % K === K - 1 ? NOT_MET : rng.below(SIZE)))
    const out = new Uint32Array(settings.length * total * K)
    const visits = new Uint32Array(settings.length * total).fill(99)
    const ranks = [1, 5, 40, 2000, SIZE]
    const known = {
      ranks,
      least: new Int16Array(settings.length * total * ranks.length),
      own: new Int16Array(settings.length * total * K),
      scales: new Float32Array(total),
    }
    const { rowType, metric } = snapshot
    const points = { memory: arena.memory, key, rows: 0, scales: 0, size: SIZE, dim: DIM, metric, rowType } as const
    if (rowType === 'none') throw new Error('the index keeps its rows')
    codeRanks({
      index: { memory: arena.memory, key, snapshot },
      points: { ...points, rowType },
      settings,
      queries: { matrix },
      total,
      neighbours,
      known: K,
      k: K,
      holders,
      out,
      visited: visits,
      ...(trees === 1 && { scores: known }),
      first: 0,
      count: total,
    })
    const searcher = new TreeScan(arena, snapshot)
    /** Searches that the reach shortened. */
    let some = 0
    for (let i = 0; i < total; i++) {
      const query = matrix.subarray(i * DIM, (i + 1) * DIM)
      // Scores of every entry by tree and leaf, from one scan, and the leaves that each setting visits, from its own route.
      const scores: number[][][] = []
      searcher.scanTrees(
        query,
        settings.at(-1)!,
        () => undefined,
        (t, visited, scan) => {
          const records = new LeafWriter(snapshot.tree[t]!, snapshot)
          const all = arena.i16(scan.scores.address, scan.scores.count)
          const own: number[][] = []
          let place = 0
          for (const leaf of visited) {
            own[leaf] = [...all.subarray(place, place + records.size(leaf))]
            place += Math.ceil(records.size(leaf) / 16) * 16
          }
          scores.push(own)
        },
      )
      settings.forEach((setting, s) => {
        const expected = new Array<number>(K).fill(NOT_MET)
        let leaves = 0
        const best = new Map<number, number>()
        searcher.scanTrees(
          query,
          setting,
          () => undefined,
          (t, visited, { scale }) => {
            const records = new LeafWriter(snapshot.tree[t]!, snapshot)
            leaves += visited.length
            const seen = [...visited].flatMap((leaf) => scores[t]![leaf]!)
            if (trees === 1) {
              seen.sort((a, b) => a - b)
              const from = (s * total + i) * ranks.length
              expect([...known.least.subarray(from, from + ranks.length)]).toEqual(
                ranks.map((rank) => seen[rank - 1] ?? NO_ENTRY),
              )
              expect(known.scales[i]).toBe(Math.fround(scale))
            }
            for (let j = 0; j < K - 1; j++) {
              const position = neighbours[i * K + j]!
              const met = [...visited].flatMap((leaf) => {
                const entry = records.positions(leaf).indexOf(position)
                return entry < 0 ? [] : [scores[t]![leaf]![entry]!]
              })
              if (met.length === 0) continue
              const rank = seen.filter((score) => score <= Math.min(...met)).length
              expected[j] = Math.min(expected[j]!, rank)
              best.set(j, Math.min(...met))
            }
          },
        )
        const at = (s * total + i) * K
        expect([...out.subarray(at, at + K)]).toEqual(expected)
        if (trees === 1) for (const [j, score] of best) expect(known.own[at + j]).toBe(score)
        expect(visits[s * total + i]).toBe(leaves)
        if (setting.leafReach > 0 && leaves < setting.probes * trees) some++
      })
    }
    searcher.close()
    expect(some > 0).toBe(reach > 0)
  })
})

describe('ranks of leaves', () => {
  test.each([[[40]], [[6, 9]], [[3, 4, 5]]])('are counted as entries are, where each leaf has one: %j', (arities) => {
    const shape = treeShape(arities)
    const { leafCount } = shape
    const { table } = makeTable('f32', 'l2', leafCount, DIM)
    const rng = new Rng(leafCount)
    const tables = new Float32Array(routerFloats(routerTensors('linear', shape, DIM))).map(() => rng.normal())
    const total = 9
    const matrix = new Float32Array(total * DIM).map(() => rng.normal())
    const neighbours = new Uint32Array(total * K).map((_, i) => (i % K === 3 ? NOT_MET : rng.below(leafCount)))
    const offsets = new Uint32Array(leafCount + 1).map((_, i) => i)
    const holders = [{ offsets, leaves: offsets.slice(0, leafCount) }]
    const beams = [1, 2, 40].map((beamWidth) => ({ beamWidth, beamReach: 0 }))
    const ranksBy = (unit: 'leaves' | 'entries'): number[] => {
      const out = new Uint32Array(beams.length * total * K)
      const reached = new Uint32Array(beams.length * total)
      beamRanks({
        points: table,
        routers: [{ kind: 'linear', arities, tables }],
        queries: { matrix },
        total,
        neighbours,
        k: K,
        holders,
        beams,
        unit,
        out,
        reached,
        first: 0,
        count: total,
      })
      // Every beam reaches all leaves below what it keeps.
      const below = arities.length > 1 ? arities.at(-1)! : leafCount
      const widest = arities.length > 1 ? leafCount / below : 1
      expect([...reached]).toEqual(
        beams.flatMap(({ beamWidth }) => new Array(total).fill(Math.min(beamWidth, widest) * below)),
      )
      return [...out]
    }
    const entries = ranksBy('entries')
    expect(ranksBy('leaves').map((rank) => (rank === NOT_MET ? rank : rank + 1))).toEqual(entries)
    expect(entries).toContain(1)
    expect(entries.filter((rank) => rank === NOT_MET).length).toBeGreaterThanOrEqual(beams.length * total)
  })
})

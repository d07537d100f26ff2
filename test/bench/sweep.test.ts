import { describe, expect, test } from '@jest/globals'
import { columnsOf, contested } from '../../bench/recall/columns.js'
import { around, front, pointAt, sweepFamily } from '../../bench/recall/sweep.js'

describe('sweepFamily', () => {
  const curve = (value: number): number => 1 - 1 / (1 + value)

  test('fills jumps of recall where engines are compared, and stops at the end of the curve', async () => {
    const measured: number[] = []
    const points = await sweepFamily(
      { fixed: {}, knob: 'ef', values: [1, 4, 16, 64, 256, 1024, 4096], most: 4096 },
      (value) => {
        measured.push(value)
        return Promise.resolve({ recall: curve(value), value })
      },
    )
    const recalls = points.map(({ recall }) => recall)
    expect(recalls).toEqual([...recalls].sort((a, b) => a - b))
    for (let i = 1; i < points.length; i++) {
      const [low, high] = [points[i - 1]!, points[i]!]
      const between = high.recall > 0.85 && low.recall < 0.995
      if (between && high.value - low.value > 1) expect(high.recall - low.recall).toBeLessThanOrEqual(0.0151)
    }
    expect(measured).not.toContain(4096)
    expect(new Set(measured).size).toBe(measured.length)
  })

  test('measures only the values where nothing lies between them', async () => {
    const points = await sweepFamily({ fixed: {}, knob: 'recall', values: [0.5, 0.99] }, (value) =>
      Promise.resolve({ recall: value }),
    )
    expect(points.map(({ recall }) => recall)).toEqual([0.5, 0.99])
  })
})

test('front keeps what no other point beats', () => {
  const points = [
    { recall: 0.9, time: 10 },
    { recall: 0.8, time: 12 },
    { recall: 0.95, time: 20 },
    { recall: 0.95, time: 25 },
    { recall: 0.99, time: undefined },
  ]
  const kept = front(
    points,
    ({ recall }) => recall,
    ({ time }) => time,
  )
  expect(kept).toEqual([points[0], points[2]])
})

describe('pointAt', () => {
  test('interpolates the logarithm of time', () => {
    const points = [
      { recall: 0.94, time: 100, tail: 200 },
      { recall: 0.96, time: 400, tail: 800 },
    ]
    expect(pointAt(points, 0.95)!.time).toBeCloseTo(200)
    expect(pointAt(points, 0.95)!.tail).toBeCloseTo(400)
    expect(pointAt(points, 0.96)).toBe(points[1])
  })

  test('says nothing beyond the points or where they lie far apart', () => {
    const points = [
      { recall: 0.9, time: 100 },
      { recall: 0.96, time: 400 },
    ]
    expect(pointAt(points, 0.95)).toBeUndefined()
    expect(pointAt(points, 0.99)).toBeUndefined()
    expect(pointAt(points, 0.5)).toBeUndefined()
  })
})

describe('the points of an engine', () => {
  const environment = { cpu: 'a', node: 'v20', library: 'x' }
  const point = (setting: object, recall: number, meanUs: number, more: object = {}) => ({
    kind: 'recall',
    engine: 'e',
    title: 'E',
    knob: 'nprobe',
    setting,
    recall,
    meanUs,
    p50Us: meanUs / 2,
    p99Us: 2 * meanUs,
    environment,
    ...more,
  })

  test('columnsOf takes the fastest family at a recall, of the latest run alone', () => {
    const [column] = columnsOf([
      point({ k: 1, nprobe: 1 }, 0.949, 1, { environment: { ...environment, cpu: 'b' } }),
      point({ k: 1, nprobe: 1 }, 0.94, 100),
      point({ k: 1, nprobe: 2 }, 0.955, 200),
      point({ k: 2, nprobe: 1 }, 0.945, 90),
      point({ k: 2, nprobe: 2 }, 0.955, 90),
    ])
    expect(column!.points).toHaveLength(4)
    expect(column!.singleUs[1]).toBeCloseTo(90)
    expect(column!.p99Us[1]).toBeCloseTo(180)
    expect(column!.p50Us[1]).toBeCloseTo(45)
    expect(column!.batchUs).toEqual([undefined, undefined, undefined])
    expect(column!.turns).toBeUndefined()
  })

  test('columnsOf reads times off the latest turns where there are such', () => {
    const turns = { count: 5, at: '2026-01-02' }
    const [column] = columnsOf([
      point({ k: 1, nprobe: 1 }, 0.94, 100, { turns }),
      point({ k: 1, nprobe: 2 }, 0.955, 100, { turns }),
      point({ k: 2, nprobe: 1 }, 0.945, 90),
      point({ k: 2, nprobe: 2 }, 0.955, 90, { turns: { count: 5, at: '2026-01-01' } }),
      point({ k: 2, nprobe: 3 }, 0.96, 90, { turns }),
    ])
    expect(column!.points).toHaveLength(5)
    expect(column!.singleUs[1]).toBeCloseTo(100)
    expect(column!.turns).toBe(turns)
  })

  test('contested are those around a recall in the two fastest families, one query a call and in a batch', () => {
    const batch = (batchRecall: number, batchUs: number) => ({ batchRecall, batchUs })
    const points = [
      point({ k: 1, nprobe: 1 }, 0.93, 80, batch(0.93, 5)),
      point({ k: 1, nprobe: 2 }, 0.94, 100, batch(0.94, 5)),
      point({ k: 1, nprobe: 3 }, 0.955, 120, batch(0.955, 5)),
      point({ k: 2, nprobe: 1 }, 0.945, 90, batch(0.945, 50)),
      point({ k: 2, nprobe: 2 }, 0.955, 90, batch(0.955, 50)),
      point({ k: 3, nprobe: 1 }, 0.95, 300, batch(0.95, 300)),
      point({ k: 4, nprobe: 1 }, 0.95, 400, batch(0.95, 4)),
      point({ k: 5, nprobe: 1 }, 0.8, 1),
      point({ k: 5, nprobe: 2 }, 0.99, 2),
    ]
    expect(new Set(contested(points, 0.95))).toEqual(new Set([points[1], points[2], points[3], points[4], points[6]]))
    expect(contested(points, 0.5)).toEqual([])
    expect(around(points.slice(5, 6), 0.95)).toEqual([points[5]])
  })
})

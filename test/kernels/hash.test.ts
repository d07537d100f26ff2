import { expect, test } from '@jest/globals'
import { xxhash3 } from 'hash-wasm'
import { Checksum } from '../../build/format/checksum.js'
import { Pace } from '../../build/format/pace.js'
import { onEachBinary } from './harness.js'

const LONGEST = 700_000
const bytes = new Uint8Array(LONGEST).map((_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 255)
/** Every form of short input; blocks and stripes that end evenly and not; more than is staged at once. */
const LENGTHS = [
  ...Array.from({ length: 300 }, (_, length) => length),
  ...[319, 320, 321, 1023, 1024, 1025, 1087, 1088, 1089, 2047, 2048, 2049, 65_536],
  ...[262_143, 262_144, 262_145, 263_168, 263_169, 263_170, LONGEST],
]

onEachBinary(() => {
  test('checksums are those of xxHash', async () => {
    const pace = new Pace()
    const found = await Checksum.use(async (checksum) => {
      const sums: string[] = []
      for (const length of LENGTHS) {
        const sum = await checksum.of(bytes.subarray(0, length), pace)
        sums.push(sum.toString(16).padStart(16, '0'))
      }
      return sums
    })
    expect(found).toEqual(await Promise.all(LENGTHS.map((length) => xxhash3(bytes.subarray(0, length)))))
  })
})

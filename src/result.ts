import { CapacityError } from './base/errors.js'
import type { IdArray } from './base/options.js'
import { sharedF32, sharedU32 } from './base/shared.js'
import { decodeIds } from './format/ids.js'
import type { Snapshot } from './tree/snapshot.js'

/** Row numbers as the caller's ids. */
export function idsOf({ ids, idKind }: Snapshot, rows: Uint32Array): IdArray {
  if (ids === undefined) return rows
  if (!ArrayBuffer.isView(ids)) return decodeIds(ids, rows)
  if (idKind === 'f64') return Float64Array.from(rows, (row) => (ids as Float64Array)[row]!)
  const out = new BigInt64Array(rows.length)
  for (let i = 0; i < rows.length; i++) out[i] = (ids as BigInt64Array)[rows[i]!]!
  return out
}

/** Most answers of one batch: 4 GiB of ids and as much of distances. */
const MOST_ANSWERS = 2 ** 30

/**
 * Arrays for the answers of a batch [count * k].
 * @throws {CapacityError} BATL_CAPACITY where they are too long for an array or for this machine.
 */
export function answerArrays(count: number, k: number): { outIds: Uint32Array; outDistances: Float32Array } {
  const answers = count * k
  try {
    if (answers > MOST_ANSWERS) throw new RangeError()
    return {
      outIds: sharedU32(answers),
      outDistances: sharedF32(answers),
    }
  } catch {
    throw new CapacityError(
      `${count} queries with k = ${k} give ${answers} answers, but at most ${MOST_ANSWERS} fit, fewer where memory is short; ask in parts`,
      MOST_ANSWERS,
      answers,
    )
  }
}

/** [count + 1]: where the answers of each query of a batch start. */
export function answerOffsets(count: number, k: number): Uint32Array {
  return new Uint32Array(count + 1).map((_, i) => i * k)
}

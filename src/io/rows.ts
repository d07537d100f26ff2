import { convertRows } from '../base/convert.js'
import { DimensionMismatchError, InvalidArgumentError } from '../base/errors.js'
import type { Rows, RowType } from '../base/options.js'
import { openRows, type FileOpener, type RowSource } from '../base/rows.js'
import { openVectors } from './vectors.js'

/** Opens vector files as rows or queries. */
export const openRowFile: FileOpener = async (path, hints) => {
  const { type, dim, size, blocks } = await openVectors(path)
  if (hints.dim !== undefined && hints.dim !== dim)
    throw new DimensionMismatchError(hints.dim, dim, `each row of ${String(path)}`)
  if (hints.type !== undefined && hints.type !== type) {
    throw new InvalidArgumentError(
      'type',
      `${String(path)} holds ${type} components, not '${hints.type}'; leave type out, or give storage to convert them`,
    )
  }
  return {
    type,
    dim,
    size,
    async *blocks(rowsPerBlock) {
      for await (const data of blocks(rowsPerBlock, true)) yield { data, count: data.length / dim }
    },
  }
}

/** Open the rows that an index or a search is made of, in any accepted form; errors as `openRows`. */
export function openBase(rows: Rows, { dim, type }: { dim?: number; type?: RowType }): Promise<RowSource> {
  const convert = (values: Float32Array, to: RowType): ReturnType<typeof convertRows> => convertRows(values, 'f32', to)
  return openRows(rows, { argument: 'rows', dim, type, convert, openFile: openRowFile })
}

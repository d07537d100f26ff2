import { gzipSync } from 'node:zlib'

/** Bytes of typed arrays one after the other. */
export function join(...parts: ArrayBufferView[]): Buffer {
  return Buffer.concat(parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)))
}

/** A file of big-ann-benchmarks: `u32 size, u32 dim`, then `values`. */
export function bin(size: number, dim: number, ...values: ArrayBufferView[]): Buffer {
  return join(Uint32Array.of(size, dim), ...values)
}

/** A TEXMEX file: each row after its length. */
export function vecs(rows: readonly ArrayBufferView[], dim = (rows[0] as unknown as ArrayLike<number>).length): Buffer {
  return join(...rows.flatMap((row) => [Int32Array.of(dim), row]))
}

/** A NumPy file with the given dictionary. */
export function npy(descr: string, shape: string, values: ArrayBufferView, version = 1, fortran = 'False'): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`
  const length = version === 1 ? join(Uint16Array.of(text.length)) : join(Uint32Array.of(text.length))
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from('NUMPY'),
    Buffer.from([version, 0]),
    length,
    Buffer.from(text),
    join(values),
  ])
}

export const packed = (content: Buffer): Buffer => gzipSync(content)

/**
 * Stable radix sort of (key, value) pairs of u32, ascending by key: four passes over one byte of the key each; a byte that
 * all keys share takes no pass.
 *
 *   scratch   0                          4096               4096 + 8n          4096 + 16n
 *             +--------------------------+------------------+------------------+
 *             | counts u32 [4 x 256]     | pairs [n]        | pairs [n]        |
 *             +--------------------------+------------------+------------------+
 *   pair      | key u32 | value u32 |
 */
export abstract class Radix {
  /** Bytes of scratch for n pairs. */
  @inline static bytes(n: i32): usize {
    return 4096 + ((<usize>n) << 4)
  }

  /** Where the caller puts the pairs. */
  @inline static pairs(scratch: usize): usize {
    return scratch + 4096
  }

  /** Sort the n pairs; returns the address of the sorted ones. */
  static sort(scratch: usize, n: i32): usize {
    let from = Radix.pairs(scratch)
    let to = from + ((<usize>n) << 3)
    memory.fill(scratch, 0, 4096)
    for (let i: usize = 0; i < <usize>n; i++) {
      const key = load<u32>(from + (i << 3))
      Radix.increment(scratch + ((key & 255) << 2))
      Radix.increment(scratch + 1024 + (((key >> 8) & 255) << 2))
      Radix.increment(scratch + 2048 + (((key >> 16) & 255) << 2))
      Radix.increment(scratch + 3072 + ((key >> 24) << 2))
    }
    for (let shift: u32 = 0; shift < 32; shift += 8) {
      const counts = scratch + (shift << 7)
      const firstKey = n > 0 ? (load<u32>(from) >> shift) & 255 : 0
      if (load<u32>(counts + (firstKey << 2)) == <u32>n) continue
      Radix.starts(counts, to)
      for (let i: usize = 0; i < <usize>n; i++) {
        const pair = load<u64>(from + (i << 3))
        const place = counts + ((((<u32>pair) >> shift) & 255) << 2)
        const at = load<u32>(place)
        store<u64>(at, pair)
        store<u32>(place, at + 8)
      }
      const held = from
      from = to
      to = held
    }
    return from
  }

  @inline private static increment(count: usize): void {
    store<u32>(count, load<u32>(count) + 1)
  }

  /** Turn counts into the addresses at which each byte's pairs begin. */
  @inline private static starts(counts: usize, to: usize): void {
    for (const end = counts + 1024; counts < end; counts += 4) {
      const count = load<u32>(counts)
      store<u32>(counts, to)
      to += count << 3
    }
  }
}

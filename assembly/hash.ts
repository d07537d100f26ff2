/**
 * XXH3-64 with seed 0: the checksum of the file. Long inputs go through eight 64-bit accumulators, 64 bytes (a stripe) at a
 * time; after sixteen stripes (a block) the accumulators are mixed. The secret moves on by eight bytes a stripe.
 *
 *   state  | eight accumulators of u64 | result u64 |   72 bytes
 *   input  | stripe 0 .. 15 | stripe 0 .. 15 | ... | rest: 1 to 1024 bytes, ended by a stripe that may overlap
 *
 * @see Yann Collet, xxHash: doc/xxhash_spec.md
 */
// prettier-ignore
const SECRET = memory.data<u8>([
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d, 0xe9,
  0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f, 0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78,
  0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21, 0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6,
  0x81, 0x3a, 0x26, 0x4c, 0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
  0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8, 0xa8, 0xfa, 0x76, 0x3f,
  0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d, 0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31,
  0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64, 0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff,
  0xfa, 0x13, 0x63, 0xeb, 0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
  0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce, 0x45, 0xcb, 0x3a, 0x8f,
  0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
])

const PRIME32_1: u64 = 0x9e3779b1
const PRIME32_2: u64 = 0x85ebca77
const PRIME32_3: u64 = 0xc2b2ae3d
const PRIME64_1: u64 = 0x9e3779b185ebca87
const PRIME64_2: u64 = 0xc2b2ae3d27d4eb4f
const PRIME64_3: u64 = 0x165667b19e3779f9
const PRIME64_4: u64 = 0x85ebca77c2b2ae63
const PRIME64_5: u64 = 0x27d4eb2f165667c5
const MIX_1: u64 = 0x165667919e3779f9
const MIX_2: u64 = 0x9fb21c651e98df25

const STRIPE: usize = 64
const BLOCK: usize = 1024

abstract class Hash {
  /** Both halves of the 128-bit product, folded. */
  static fold(a: u64, b: u64): u64 {
    const aLow = a & 0xffffffff
    const aHigh = a >> 32
    const bLow = b & 0xffffffff
    const bHigh = b >> 32
    const low = aLow * bLow
    const cross = aHigh * bLow + (low >> 32)
    const middle = (cross & 0xffffffff) + aLow * bHigh
    return ((middle << 32) | (low & 0xffffffff)) ^ ((cross >> 32) + (middle >> 32) + aHigh * bHigh)
  }

  static avalanche(h: u64): u64 {
    h = (h ^ (h >> 37)) * MIX_1
    return h ^ (h >> 32)
  }

  /** The avalanche of XXH64. */
  static avalanche64(h: u64): u64 {
    h = (h ^ (h >> 33)) * PRIME64_2
    h = (h ^ (h >> 29)) * PRIME64_3
    return h ^ (h >> 32)
  }

  static mix(at: usize, secret: usize): u64 {
    return Hash.fold(load<u64>(at) ^ load<u64>(secret), load<u64>(at, 8) ^ load<u64>(secret, 8))
  }

  /** At most 16 bytes. */
  static tiny(at: usize, bytes: usize): u64 {
    if (bytes == 0) return Hash.avalanche64(load<u64>(SECRET, 56) ^ load<u64>(SECRET, 64))
    if (bytes < 4) {
      const ends = ((<u64>load<u8>(at)) << 16) | ((<u64>load<u8>(at + (bytes >> 1))) << 24)
      const all = ends | load<u8>(at + bytes - 1) | ((<u64>bytes) << 8)
      return Hash.avalanche64(all ^ (load<u32>(SECRET) ^ load<u32>(SECRET, 4)))
    }
    if (bytes <= 8) {
      let h = <u64>load<u32>(at + bytes - 4) + ((<u64>load<u32>(at)) << 32)
      h ^= load<u64>(SECRET, 8) ^ load<u64>(SECRET, 16)
      h = (h ^ rotl<u64>(h, 49) ^ rotl<u64>(h, 24)) * MIX_2
      h = (h ^ ((h >> 35) + <u64>bytes)) * MIX_2
      return h ^ (h >> 28)
    }
    const low = load<u64>(at) ^ load<u64>(SECRET, 24) ^ load<u64>(SECRET, 32)
    const high = load<u64>(at + bytes - 8) ^ load<u64>(SECRET, 40) ^ load<u64>(SECRET, 48)
    return Hash.avalanche(<u64>bytes + bswap<u64>(low) + high + Hash.fold(low, high))
  }

  /** 17 to 128 bytes: pairs of 16 bytes from both ends inwards. */
  static small(at: usize, bytes: usize): u64 {
    let sum = <u64>bytes * PRIME64_1
    for (let i = (<i32>bytes - 1) >> 5; i >= 0; i--) {
      const from = (<usize>i) << 4
      sum += Hash.mix(at + from, SECRET + 2 * from)
      sum += Hash.mix(at + bytes - from - 16, SECRET + 2 * from + 16)
    }
    return Hash.avalanche(sum)
  }

  /** 129 to 240 bytes. */
  static middle(at: usize, bytes: usize): u64 {
    let sum = <u64>bytes * PRIME64_1
    for (let i: usize = 0; i < 128; i += 16) sum += Hash.mix(at + i, SECRET + i)
    sum = Hash.avalanche(sum)
    for (let i: usize = 128; i + 16 <= bytes; i += 16) sum += Hash.mix(at + i, SECRET + i - 125)
    return Hash.avalanche(sum + Hash.mix(at + bytes - 16, SECRET + 119))
  }

  /** Two accumulators take 16 bytes: each the other's data, and the product of the halves of its own, keyed. */
  @inline static take(sum: v128, at: usize, secret: usize): v128 {
    const data = v128.load(at)
    const key = v128.xor(data, v128.load(secret))
    const product = i64x2.extmul_low_i32x4_u(
      v128.shuffle<i32>(key, key, 0, 2, 0, 2),
      v128.shuffle<i32>(key, key, 1, 3, 1, 3),
    )
    return i64x2.add(sum, i64x2.add(product, v128.shuffle<i64>(data, data, 1, 0)))
  }

  static stripes(state: usize, at: usize, count: usize, secret: usize): void {
    let a = v128.load(state)
    let b = v128.load(state, 16)
    let c = v128.load(state, 32)
    let d = v128.load(state, 48)
    for (; count > 0; count--) {
      a = Hash.take(a, at, secret)
      b = Hash.take(b, at + 16, secret + 16)
      c = Hash.take(c, at + 32, secret + 32)
      d = Hash.take(d, at + 48, secret + 48)
      at += STRIPE
      secret += 8
    }
    v128.store(state, a)
    v128.store(state, b, 16)
    v128.store(state, c, 32)
    v128.store(state, d, 48)
  }
}

/** Start a long input: state 72 bytes at a multiple of 16. */
export function hashStart(state: usize): void {
  store<u64>(state, PRIME32_3)
  store<u64>(state, PRIME64_1, 8)
  store<u64>(state, PRIME64_2, 16)
  store<u64>(state, PRIME64_3, 24)
  store<u64>(state, PRIME64_4, 32)
  store<u64>(state, PRIME32_2, 40)
  store<u64>(state, PRIME64_5, 48)
  store<u64>(state, PRIME32_1, 56)
}

/** Take in whole blocks of 1024 bytes, none of them the last bytes of the input. */
export function hashBlocks(state: usize, at: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    Hash.stripes(state, at, 16, SECRET)
    for (let j: usize = 0; j < STRIPE; j += 8) {
      const sum = load<u64>(state + j)
      store<u64>(state + j, (sum ^ (sum >> 47) ^ load<u64>(SECRET + 128 + j)) * PRIME32_1)
    }
    at += BLOCK
  }
}

/**
 * End a long input: `rest`, 1 to 1024 bytes at `at`, are left of it, and the bytes before `at` are those of the input.
 * The result is the ninth u64 of the state.
 * @param total - bytes of the whole input, above 240.
 */
export function hashEnd(state: usize, at: usize, rest: usize, total: f64): void {
  Hash.stripes(state, at, (rest - 1) / STRIPE, SECRET)
  Hash.stripes(state, at + rest - STRIPE, 1, SECRET + 121)
  let result = <u64>total * PRIME64_1
  for (let i: usize = 0; i < STRIPE; i += 16) {
    const secret = SECRET + 11 + i
    result += Hash.fold(load<u64>(state + i) ^ load<u64>(secret), load<u64>(state + i, 8) ^ load<u64>(secret, 8))
  }
  store<u64>(state, Hash.avalanche(result), 64)
}

/** The result for an input of at most 240 bytes, as the ninth u64 of the state. */
export function hashShort(state: usize, at: usize, bytes: usize): void {
  let result: u64
  if (bytes <= 16) result = Hash.tiny(at, bytes)
  else if (bytes <= 128) result = Hash.small(at, bytes)
  else result = Hash.middle(at, bytes)
  store<u64>(state, result, 64)
}

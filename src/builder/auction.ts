import { Arena } from '../kernels/memory.js'
import {
  Auctioneer,
  auctionBytes,
  chooseSome,
  layAuction,
  raiseSome,
  type AuctionShape,
  type Fallback,
} from '../partition/balance.js'
import { anotherPool } from '../pool/during.js'
import type { AuctionTable } from '../pool/messages.js'
import type { WorkerPool } from '../pool/pool.js'
import { shareU32, type Build } from './context.js'

/** Points, and overfull leaves, that are worth a task; what is no more is done here. */
const POINT_BLOCK = 16_384
const LEAF_BLOCK = 64
/** Above so many bytes an auction has threads of its own: they end with it, and its memory is given back. */
const OWN_POOL_BYTES = 64 << 20

/** Keys of memories that only a build knows are negative; those of indexes are not. */
let lastKey = 0

/** A memory with an auction in it, and the threads that work on it. */
export class AuctionRoom {
  readonly table: AuctionTable
  readonly pool: WorkerPool
  readonly #arena: Arena

  constructor(arena: Arena, shape: AuctionShape, pool: WorkerPool) {
    const auction = layAuction(shape, arena.allocate(auctionBytes(shape)))
    this.table = { memory: arena.memory, key: --lastKey, auction }
    this.pool = pool
    this.#arena = arena
  }

  /**
   * Assign every point, by the lists that lie in the auction, from prices of zero.
   * @param capacities - [leafCount]
   * @param rounds - of price raising.
   */
  async assign(capacities: ArrayLike<number>, fallback: Fallback, rounds?: number): Promise<Uint32Array> {
    const { auction } = this.table
    this.#arena.u32(auction.capacities, auction.leafCount).set(capacities)
    this.#arena.f32(auction.prices, auction.leafCount).fill(0)
    const auctioneer = new Auctioneer(this.#arena, auction)
    for (const { kind, total } of auctioneer.rounds(rounds)) {
      // Each point and each leaf is for itself, so the parts may follow the threads: few messages.
      const block = Math.max(kind === 'choose' ? POINT_BLOCK : LEAF_BLOCK, Math.ceil(total / this.pool.threads))
      if (total > block) await this.pool.each('auction', total, block, { table: this.table, kind })
      else (kind === 'choose' ? chooseSome : raiseSome)(this.#arena, auction, 0, total)
    }
    auctioneer.repair(fallback)
    return shareU32(this.#arena.u32(auction.leafOf, auction.count))
  }
}

/** Work with an auction in a memory of its own. */
export async function withAuction<T>(
  build: Build,
  shape: AuctionShape,
  use: (room: AuctionRoom) => Promise<T>,
): Promise<T> {
  const bytes = auctionBytes(shape)
  const arena = Arena.create(bytes)
  if (bytes <= OWN_POOL_BYTES) return use(new AuctionRoom(arena, shape, build.pool))
  const pool = await anotherPool(build.pool)
  try {
    return await use(new AuctionRoom(arena, shape, pool))
  } finally {
    await pool.close()
  }
}

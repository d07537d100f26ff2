import type { Arena } from '../kernels/memory.js'
import {
  Auctioneer,
  auctionBytes,
  chooseSome,
  layAuction,
  raiseSome,
  type AuctionShape,
  type Fallback,
} from '../partition/balance.js'
import type { AuctionTable } from '../pool/messages.js'
import type { WorkerPool } from '../pool/pool.js'
import type { Build } from './context.js'
import { Workspace } from './workspace.js'

/** Points, and overfull leaves, that are worth a task; what is no more is done here. */
const POINT_BLOCK = 16_384
const LEAF_BLOCK = 64

/** An auction, and the threads that work on it. */
export class AuctionRoom {
  readonly table: AuctionTable
  readonly #pool: WorkerPool
  readonly #workspace: Workspace
  readonly #arena: Arena

  constructor({ pool, workspace }: Build, shape: AuctionShape) {
    // A memory of its own, which is the largest of a build's and goes with the room.
    const { arena, key } = new Workspace()
    const address = arena.allocate(auctionBytes(shape))
    this.table = { memory: arena.memory, key, auction: layAuction(shape, address) }
    this.#pool = pool
    this.#workspace = workspace
    this.#arena = arena
  }

  /**
   * Assign every point, by the lists that lie in the auction, from prices of zero.
   * @param capacities - [leafCount]
   * @param rounds - of price raising.
   * @returns the leaf of each point, an array of the workspace.
   */
  async assign(capacities: ArrayLike<number>, fallback: Fallback, rounds?: number): Promise<Uint32Array> {
    const { auction } = this.table
    this.#arena.u32(auction.capacities, auction.leafCount).set(capacities)
    this.#arena.f32(auction.prices, auction.leafCount).fill(0)
    const auctioneer = new Auctioneer(this.#arena, auction)
    for (const { kind, total } of auctioneer.rounds(rounds)) {
      // Each point and each leaf is for itself, so the parts may follow the threads: few messages.
      const block = Math.max(kind === 'choose' ? POINT_BLOCK : LEAF_BLOCK, Math.ceil(total / this.#pool.threads))
      if (total > block) await this.#pool.each('auction', total, block, { table: this.table, kind })
      else (kind === 'choose' ? chooseSome : raiseSome)(this.#arena, auction, 0, total)
    }
    auctioneer.repair(fallback)
    return this.#workspace.copyU32(this.#arena.u32(auction.leafOf, auction.count))
  }
}

import type { SearchEffort } from '../tree/snapshot.js'
import type { LeafScan } from './leaf-scan.js'
import { Searcher } from './searcher.js'

/** A searcher that lets tuning see every score of a search. */
export class TreeScan extends Searcher {
  /**
   * Score the codes that a search with some effort looks at, tree by tree.
   * @param arrange - puts the leaves found, u32 [count] with their scores f32, into the order in which they are scanned.
   * @param each - takes a tree, its leaves in that order, and the scan of their entries, until it returns.
   */
  scanTrees(
    query: ArrayLike<number>,
    { probes, beamWidth }: SearchEffort,
    arrange: (leaves: number, scores: number, count: number) => void,
    each: (tree: number, leaves: Uint32Array, scan: LeafScan) => void,
  ): void {
    const scan = this.scan!
    this.query.load(query)
    scan.load(this.query.routing)
    this.models.forEach((model, t) => {
      const wanted = Math.min(probes, this.snapshot.shape.leafCount)
      const count = model.route(this.query.routing, wanted, beamWidth)
      arrange(model.leaves, model.leafScores, count)
      scan.scan(t, model.leaves, count, 1)
      each(t, this.arena.u32(model.leaves, count), scan)
    })
  }
}

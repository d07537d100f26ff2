import type { LeafScan } from './leaf-scan.js'
import type { RouteEffort, RouteModel } from './route.js'
import { Searcher } from './searcher.js'

/** A searcher that lets tuning see the leaves and every score of a search. */
export class TreeScan extends Searcher {
  /**
   * Find the leaves that a search with some effort visits, tree by tree.
   * @param each - takes a tree, its model, and how many leaves that found.
   * @param arities - of `RouteModel.route`.
   */
  routeTrees(
    query: ArrayLike<number>,
    effort: RouteEffort,
    each: (tree: number, model: RouteModel, count: number) => void,
    arities?: readonly number[],
  ): void {
    this.query.load(query)
    this.models.forEach((model, t) => each(t, model, model.route(this.query.routing, effort, arities)))
  }

  /**
   * Score the codes that a search with some effort looks at, tree by tree.
   * @param arrange - puts the leaves found, u32 [count] with their scores f32, into the order in which they are scanned.
   * @param each - takes a tree, its leaves in that order, and the scan of their entries, until it returns.
   */
  scanTrees(
    query: ArrayLike<number>,
    effort: RouteEffort,
    arrange: (leaves: number, scores: number, count: number) => void,
    each: (tree: number, leaves: Uint32Array, scan: LeafScan) => void,
  ): void {
    const scan = this.scan!
    this.routeTrees(query, effort, (t, model, count) => {
      if (t === 0) scan.load(this.query.routing)
      arrange(model.leaves, model.leafScores, count)
      scan.scan(t, model.leaves, count, 1)
      each(t, this.arena.u32(model.leaves, count), scan)
    })
  }
}

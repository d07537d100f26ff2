import { InvalidArgumentError } from '../base/errors.js'
import { EXACT_ROWS, type ResolvedOptions } from '../base/options.js'
import type { StoredType } from '../base/matrix.js'
import { BLOCK, defaultCodeBytes, mostCodeBytes } from '../codes/shape.js'
import { MAX_LEVELS, type LayoutShape } from '../format/layout.js'
import { planShape, treeShape, type TreeShape } from '../tree/shape.js'
import type { IdKind } from '../tree/snapshot.js'

/** Queries that a router is trained on, from the base and as many from the log: at most, and at least where memory is short. */
const MOST_TRAINING_QUERIES = 200_000
const LEAST_TRAINING_QUERIES = 30_000
/** Components of these queries, between the two. */
const TRAINING_COMPONENTS = 20_000_000

/** What is known of the rows before the build starts. */
export interface RowShape {
  readonly size: number
  readonly dim: number
  readonly rowType: StoredType
  readonly idKind: IdKind
}

/**
 * Mean rows per leaf where none are asked for: 70 at 50,000 rows, 94 at a million. Smaller leaves look at fewer rows, but cost more
 * to train, to route and to visit (docs/evidence.md). Their codes lose less, which counts where no rows are kept: 40 and 54.
 */
function defaultLeafSize(size: number, keepsRows: boolean): number {
  return Math.max(16, (keepsRows ? 70 : 40) * (size / 50_000) ** 0.1)
}

/** Numbers of leaves are tried in steps of a thousandth of those wanted, so many to either side. */
const STEPS = 120

/**
 * Near the wanted number of leaves, one with which the largest leaves, as half of them are, fill the blocks in which codes are
 * scanned: a place beyond a leaf's entries costs as much as an entry.
 */
function blockwiseShape(leaves: number, entryCount: number, slack: number): TreeShape {
  const steps = Array.from({ length: STEPS + 1 }, (_, step) => step / 1000)
  const shapes = steps.flatMap((step) => [planShape(leaves * (1 - step)), planShape(leaves * (1 + step))])
  /** Places of the largest leaf for each of its entries. */
  const places = ({ leafCount }: TreeShape): number => {
    const most = capacity(entryCount, leafCount, slack)
    return (Math.ceil(most / BLOCK) * BLOCK) / most
  }
  return shapes.reduce((best, shape) => (places(shape) < places(best) ? shape : best))
}

/** The tree of rows that are not scanned exactly. */
function plannedShape(leaves: number, entryCount: number, { leafSize, arity, slack }: ResolvedOptions): TreeShape {
  if (leafSize === undefined && arity === 0) return blockwiseShape(leaves, entryCount, slack)
  return planShape(leaves, arity)
}

/** Everything that fixes the length of an index, from its rows' shape and its options. */
export function planIndex(rows: RowShape, options: ResolvedOptions): LayoutShape {
  const { metric, router, arity, copies, keepsRows } = options
  const leaves = rows.size / (options.leafSize ?? defaultLeafSize(rows.size, keepsRows))
  const exact = rows.size <= EXACT_ROWS
  const entryCount = exact ? 0 : Math.round(rows.size * copies)
  const shape = exact ? treeShape([]) : plannedShape(leaves, entryCount, options)
  if (shape.arities.length > MAX_LEVELS) {
    throw new InvalidArgumentError(
      'arity',
      `arity is ${arity}, which takes ${shape.arities.length} levels for ${Math.round(leaves)} leaves, ` +
        `but a tree has at most ${MAX_LEVELS}; raise arity or leafSize, or leave arity out`,
    )
  }
  if (!exact && copies > shape.leafCount) {
    throw new InvalidArgumentError(
      'copies',
      `copies are ${copies}, but the tree has ${shape.leafCount} leaves and a row is at most once in each; lower leafSize or copies`,
    )
  }
  const most = mostCodeBytes(rows.dim)
  if (options.codeBytes > most) {
    throw new InvalidArgumentError(
      'codeBytes',
      `codeBytes is ${options.codeBytes}, but at most ${most} make sense for ${rows.dim} components: 4 bits for each`,
    )
  }
  return {
    ...rows,
    metric,
    router,
    shape,
    trees: exact ? 0 : options.trees,
    entryCount,
    // Codes that answer alone take the bytes that floats do: no row makes up for what they lose.
    codeBytes: exact ? 0 : options.codeBytes || defaultCodeBytes(rows.dim, keepsRows ? rows.rowType : 'none'),
  }
}

/** Rows or entries that one of `nodes` nodes may hold: `slack` times the mean, and never less than exact balance needs. */
export function capacity(entries: number, nodes: number, slack: number): number {
  return Math.max(Math.ceil(entries / nodes), Math.floor((slack * entries) / nodes + 1e-9))
}

/**
 * Rows that a node of each level may hold, for a tree that is filled from the root down: about `slack` times the mean, and
 * no more than its children have room for, however these round.
 */
export function nodeCapacities(size: number, { nodeCounts, leafCount }: TreeShape, slack: number): number[] {
  const leaf = capacity(size, leafCount, slack)
  return nodeCounts.map((nodes) => Math.min(Math.ceil((slack * size) / nodes - 1e-9), leaf * (leafCount / nodes)))
}

/** Queries that a level-wise router is trained on. */
export function trainingQueries(dim: number): number {
  const fit = Math.floor(TRAINING_COMPONENTS / dim)
  return Math.max(LEAST_TRAINING_QUERIES, Math.min(MOST_TRAINING_QUERIES, fit))
}

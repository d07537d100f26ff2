/**
 * The best `k` of what is offered, by smaller distance, then lower id: a binary max-heap, its worst entry first.
 * NaN counts as +Infinity. What it ends with does not depend on the order of the offers.
 *
 *   0           4               8              16                  16 + 4k         16 + 8k
 *   +-----------+---------------+--------------+-------------------+---------------+
 *   | size u32  | capacity u32  | reserved     | distances f32 [k] | ids u32 [k]   |
 *   +-----------+---------------+--------------+-------------------+---------------+
 *   children of entry i: entries 2i + 1 and 2i + 2
 */
export abstract class Heap {
  /** Whether the first entry ranks behind the second. */
  @inline static worse(distance: f32, id: u32, otherDistance: f32, otherId: u32): bool {
    return distance > otherDistance || (distance == otherDistance && id > otherId)
  }

  /** No distance above this can enter; an equal one may. */
  @inline static threshold(heap: usize): f32 {
    if (load<u32>(heap) < load<u32>(heap, 4)) return Infinity
    return load<f32>(heap, 16)
  }

  static offer(heap: usize, distance: f32, id: u32): void {
    const size = load<u32>(heap)
    const capacity = load<u32>(heap, 4)
    if (size < capacity) {
      store<u32>(heap, size + 1)
      Heap.rise(heap + 16, heap + 16 + ((<usize>capacity) << 2), size, distance, id)
    } else if (capacity > 0) {
      const ids = heap + 16 + ((<usize>capacity) << 2)
      if (Heap.worse(load<f32>(heap, 16), load<u32>(ids), distance, id)) {
        Heap.sink(heap + 16, ids, size, distance, id)
      }
    }
  }

  /** Place an entry at `hole` or above it. */
  @inline private static rise(distances: usize, ids: usize, hole: u32, distance: f32, id: u32): void {
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      const above = load<f32>(distances + (parent << 2))
      const aboveId = load<u32>(ids + (parent << 2))
      if (!Heap.worse(distance, id, above, aboveId)) break
      store<f32>(distances + (hole << 2), above)
      store<u32>(ids + (hole << 2), aboveId)
      hole = parent
    }
    store<f32>(distances + (hole << 2), distance)
    store<u32>(ids + (hole << 2), id)
  }

  /** Place an entry at the root or below it, in a heap of `size` entries. */
  static sink(distances: usize, ids: usize, size: u32, distance: f32, id: u32): void {
    let hole: u32 = 0
    while (true) {
      let child = (hole << 1) + 1
      if (child >= size) break
      let below = load<f32>(distances + (child << 2))
      let belowId = load<u32>(ids + (child << 2))
      if (child + 1 < size) {
        const right = load<f32>(distances + (child << 2), 4)
        const rightId = load<u32>(ids + (child << 2), 4)
        if (Heap.worse(right, rightId, below, belowId)) {
          child++
          below = right
          belowId = rightId
        }
      }
      if (!Heap.worse(below, belowId, distance, id)) break
      store<f32>(distances + (hole << 2), below)
      store<u32>(ids + (hole << 2), belowId)
      hole = child
    }
    store<f32>(distances + (hole << 2), distance)
    store<u32>(ids + (hole << 2), id)
  }
}

/** Bytes of a heap of capacity k. */
export function heapBytes(k: i32): usize {
  return 16 + ((<usize>max(k, 1)) << 3)
}

/** Make an empty heap of capacity k. */
export function heapReset(heap: usize, k: i32): void {
  store<u32>(heap, 0)
  store<u32>(heap, k, 4)
  store<u64>(heap, 0, 8)
}

/** Offer one entry. */
export function heapOffer(heap: usize, distance: f32, id: u32): void {
  Heap.offer(heap, distance == distance ? distance : Infinity, id)
}

/** Empty the heap into outDistances f32 and outIds u32, best first, and return how many entries there were. */
export function heapSort(heap: usize, outDistances: usize, outIds: usize): i32 {
  const count = load<u32>(heap)
  const distances = heap + 16
  const ids = distances + ((<usize>load<u32>(heap, 4)) << 2)
  for (let size = count; size > 0; size--) {
    const last = (<usize>(size - 1)) << 2
    store<f32>(outDistances + last, load<f32>(distances))
    store<u32>(outIds + last, load<u32>(ids))
    Heap.sink(distances, ids, size - 1, load<f32>(distances + last), load<u32>(ids + last))
  }
  store<u32>(heap, 0)
  return count
}

/** Address of the first byte that the kernels leave to the host; below it lie their constants. */
export function heapBase(): usize {
  return __heap_base
}

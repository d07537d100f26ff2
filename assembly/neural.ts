/**
 * Layer norm of a sum, by rows: out = (x + y - mean) / sqrt(variance + 1e-5) * gain + shift. `out` may be `x` or `y`.
 *
 *   norm   | gain f32 [n] | shift f32 [n] |
 *
 * @param xStride - bytes from one row of x to the next; 0 where all rows share one x.
 * @see Ba, Kiros and Hinton, Layer Normalization, 2016
 */
export function addNorm(
  x: usize,
  xStride: usize,
  y: usize,
  yStride: usize,
  norm: usize,
  n: i32,
  count: i32,
  out: usize,
  outStride: usize,
): void {
  const end = (<usize>n) << 2
  // Element by element: next to the products around it this takes no time, and so it takes few bytes.
  for (let row = 0; row < count; row++) {
    let total: f32 = 0
    for (let at: usize = 0; at < end; at += 4) {
      const sum = load<f32>(x + at) + load<f32>(y + at)
      total += sum
      store<f32>(out + at, sum)
    }
    const mean = total / <f32>n
    let squares: f32 = 0
    for (let at: usize = 0; at < end; at += 4) {
      const offset = load<f32>(out + at) - mean
      squares += offset * offset
    }
    const deviation = sqrt<f32>(squares / <f32>n + <f32>1e-5)
    for (let at: usize = 0; at < end; at += 4) {
      const unit = (load<f32>(out + at) - mean) / deviation
      store<f32>(out + at, unit * load<f32>(norm + at) + load<f32>(norm + end + at))
    }
    x += xStride
    y += yStride
    out += outStride
  }
}

/**
 * One step of Adam on weights f32 [count], a multiple of four: weights and moments move in place, every operation one of 32
 * bits.
 * @param mean - f32 [count], and `square` the same: the moments.
 * @param one - f32 [count]: with `other` and times `share` the gradient.
 * @param keptMean - of the moments what stays, and what of the gradient comes to them.
 * @see Kingma and Ba, Adam, ICLR 2015
 */
export function adamStep(
  weights: usize,
  mean: usize,
  square: usize,
  one: usize,
  other: usize,
  count: i32,
  share: f32,
  keptMean: f32,
  addedMean: f32,
  keptSquare: f32,
  addedSquare: f32,
  size: f32,
  epsilon: f32,
): void {
  assert((count & 3) == 0)
  for (let at: usize = 0, end = (<usize>count) << 2; at < end; at += 16) {
    const sum = f32x4.add(v128.load(one + at), v128.load(other + at))
    const gradient = f32x4.mul(sum, f32x4.splat(share))
    const ofMean = f32x4.mul(gradient, f32x4.splat(addedMean))
    const moved = f32x4.add(f32x4.mul(v128.load(mean + at), f32x4.splat(keptMean)), ofMean)
    const ofSquare = f32x4.mul(f32x4.mul(gradient, gradient), f32x4.splat(addedSquare))
    const squared = f32x4.add(f32x4.mul(v128.load(square + at), f32x4.splat(keptSquare)), ofSquare)
    v128.store(mean + at, moved)
    v128.store(square + at, squared)
    const root = f32x4.add(f32x4.sqrt(squared), f32x4.splat(epsilon))
    const step = f32x4.mul(f32x4.div(moved, root), f32x4.splat(size))
    v128.store(weights + at, f32x4.sub(v128.load(weights + at), step))
  }
}

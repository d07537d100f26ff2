// @ts-check

/** What is drawn and fitted against the number of rows. */
const QUANTITIES = [
  { quantity: 'us a query at recall .95', of: (/** @type {any} */ { singleUs }) => singleUs },
  { quantity: 'us in a batch at recall .95', of: (/** @type {any} */ { batchUs }) => batchUs },
  { quantity: 'build seconds', of: (/** @type {any} */ { buildSeconds }) => buildSeconds },
  { quantity: 'MiB in memory after opening', of: (/** @type {any} */ { openBytes }) => openBytes / 2 ** 20 },
]

/**
 * The exponent e of value = c * rows^e, by least squares of the logarithms; undefined for fewer than two points.
 * @param {readonly (readonly [rows: number, value: number])[]} points
 */
export function exponentOf(points) {
  if (points.length < 2) return undefined
  const logs = points.map(([rows, value]) => [Math.log(rows), Math.log(value)])
  const mean = (/** @type {0 | 1} */ axis) => logs.reduce((sum, point) => sum + (point[axis] ?? 0), 0) / logs.length
  const [x, y] = [mean(0), mean(1)]
  let [above, below] = [0, 0]
  for (const [a = 0, b = 0] of logs) {
    above += (a - x) * (b - y)
    below += (a - x) ** 2
  }
  return above / below
}

/**
 * A line for each data set and quantity.
 * @param {any[]} results - of bench:scale.
 */
export function scaleCurves(results) {
  const sets = [...new Set(results.map(({ setName }) => setName))]
  return QUANTITIES.map(({ quantity, of }) => ({
    quantity,
    lines: sets.map((name) => {
      const own = results.filter(({ setName }) => setName === name).sort((a, b) => a.rows - b.rows)
      const points = own
        .map((result) => /** @type {[number, number]} */ ([result.rows, of(result)]))
        .filter(([, value]) => value > 0)
      return { name, points, exponent: exponentOf(points) }
    }),
  }))
}

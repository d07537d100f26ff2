// @ts-check

/** What a cost may rise by, as a share, before it counts as a regression: other runtimes may round a logarithm elsewhere. */
export const ALLOWED = 0.02

/**
 * What differs from the baseline. `worse` is a regression; `better` asks for the baseline to be moved, so that the gain is
 * guarded too.
 * @param {Record<string, Record<string, number>>} now @param {Record<string, Record<string, number>>} baseline
 * @returns {{ at: string, cost: string, now: number, baseline: number, verdict: 'worse' | 'better' | 'same' }[]}
 */
export function compareCosts(now, baseline) {
  const names = Object.keys({ ...baseline, ...now })
  return names.flatMap((at) => {
    const costs = Object.keys({ ...baseline[at], ...now[at] })
    return costs.map((cost) => {
      const [is, was] = [now[at]?.[cost], baseline[at]?.[cost]]
      if (is === undefined || was === undefined) {
        throw new Error(
          `${at}: ${cost} is ${is === undefined ? 'not counted any more' : 'not in the baseline'}; move the baseline`,
        )
      }
      const worse = is > was * (1 + ALLOWED)
      const better = is < was * (1 - ALLOWED)
      return { at, cost, now: is, baseline: was, verdict: worse ? 'worse' : better ? 'better' : 'same' }
    })
  })
}

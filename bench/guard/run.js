// @ts-check
/**
 * The regression guard: what a query costs at fixed recall, counted and not timed, against the recorded baseline.
 *
 *   npm run bench:guard              compare; fails where a cost rose by more than 2%
 *   npm run bench:guard -- --move    record the costs of this build as the baseline, to be committed with the reason
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { prepareSet } from '../harness/data.js'
import { asText, fixed } from '../report/tables.js'
import { compareCosts } from './compare.js'
import { countCosts } from './costs.js'

const BASELINE = new URL('baseline.json', import.meta.url)

const { values } = parseArgs({ options: { move: { type: 'boolean', default: false } } })
const counted = await countCosts(await prepareSet('fixture'))
if (values.move) {
  const rounded = Object.fromEntries(
    Object.entries(counted).map(([at, costs]) => [
      at,
      Object.fromEntries(Object.entries(costs).map(([cost, value]) => [cost, Math.round(value * 100) / 100])),
    ]),
  )
  writeFileSync(BASELINE, `${JSON.stringify(rounded, null, 2)}\n`)
  process.stdout.write('bench/guard/baseline.json holds the costs of this build; commit it with what moved them\n')
} else {
  const found = compareCosts(counted, JSON.parse(readFileSync(BASELINE, 'utf8')))
  const rows = found.map(({ at, cost, now, baseline, verdict }) => [
    at,
    cost,
    fixed(baseline, 1),
    fixed(now, 1),
    baseline === 0 ? '' : `${fixed((100 * (now - baseline)) / baseline, 1)}%`,
    verdict === 'same' ? '' : verdict,
  ])
  process.stdout.write(asText({ head: ['fixture', 'a query', 'baseline', 'now', 'change', ''], rows }))
  const verdicts = found.map(({ verdict }) => verdict)
  if (verdicts.includes('better')) {
    process.stdout.write('better than the baseline: move it with npm run bench:guard -- --move\n')
  }
  if (verdicts.includes('worse')) {
    process.stdout.write('worse than the baseline: mend it, or move the baseline and say why in the commit\n')
    process.exitCode = 1
  }
}

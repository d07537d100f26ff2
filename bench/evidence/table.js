// @ts-check
/**
 * The results of the studies as Markdown, for docs/evidence.md.
 *
 *   npm run bench:table
 */
import { existsSync, readFileSync } from 'node:fs'
import { VARIANTS } from './variants.js'

/** @param {string} file @returns {any[]} */
function read(file) {
  const path = new URL(`../results/${file}`, import.meta.url)
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : []
}

/** @param {unknown[]} cells */
const row = (cells) => `| ${cells.join(' | ')} |\n`
/** @param {number | undefined} value @param {number} digits */
const fixed = (value, digits) => (value === undefined ? '-' : value.toFixed(digits))

/** @param {string} set @param {any[]} results */
function setTable(set, results) {
  const flat = results.find(({ variant }) => variant === 'flat')
  let text = `\n### ${set}: ${results[0].size.toLocaleString('en')} rows, ${results.find(({ leaves }) => leaves)?.leaves.toLocaleString('en')} leaves\n\n`
  text += row([
    'variant',
    'entries looked at, % of rows, at .90 / .95 / .99',
    'probes',
    'routing kMAC',
    'of flat at .95',
    'asked .90 / .95 / .99: got',
    'build s',
  ])
  text += row(['---', '---', '---', '---', '---', '---', '---'])
  for (const { variant, reached, promised, seconds } of results) {
    const all = (/** @type {(at: any) => string} */ show) => reached.map(show).join(' / ')
    const ratio = reached[1].candidatesPct / flat?.reached[1].candidatesPct
    text += row([
      variant,
      all(({ candidatesPct }) => fixed(candidatesPct, 3)),
      all(({ probes }) => fixed(probes, 0)),
      all(({ multiplyAdds }) => fixed(multiplyAdds / 1000, 0)),
      variant.startsWith('first') ? '' : fixed(ratio, 2),
      variant === 'flat' ? '' : promised.map((/** @type {any} */ { recall }) => recall.toFixed(4).slice(1)).join(' / '),
      fixed(seconds, 0),
    ])
  }
  return text
}

/** @param {any} result */
function roundTable({ set, rows, leaves, flat, published, rounds, seconds }) {
  let text = `\n### ${set}, first ${rows.toLocaleString('en')} rows, ${leaves.toLocaleString('en')} leaves (${fixed(seconds, 0)} s)\n\n`
  text += row(['round', 'judged on the query file, % at .90 / .95', 'withheld, % at .90 / .95', 'rows moved', 'kept'])
  text += row(['---', '---', '---', '---', '---'])
  for (const { round, judged, withheld, moved, kept } of rounds) {
    const percent = (/** @type {number[]} */ shares) => shares.map((share) => (100 * share).toFixed(2)).join(' / ')
    text += row([round, percent(judged), percent(withheld), `${(100 * moved).toFixed(1)}%`, kept ? 'yes' : 'no'])
  }
  const [at90, at95] = [0, 1].map((i) => fixed(published[i] / flat[i], 2))
  return `${text}\nAs built, by mean entries: ${published.map((/** @type {number} */ share) => share.toFixed(2)).join(' / ')}%; flat k-means ${flat.map((/** @type {number} */ share) => share.toFixed(2)).join(' / ')}%: a ratio of ${at90} / ${at95}.\n`
}

/** Results come in the order in which they were finished. */
const order = Object.keys(VARIANTS)
/** `NAME of then` is an earlier result that others were measured with: behind the one of today. @param {any} result */
const place = ({ variant }) =>
  order.indexOf(variant.replace(/ of then$/, '')) + (variant.endsWith(' of then') ? 0.5 : 0)
const evidence = read('evidence.jsonl').sort((a, b) => place(a) - place(b))
for (const set of new Set(evidence.map((result) => result.set))) {
  const own = evidence.filter((result) => result.set === set)
  process.stdout.write(
    setTable(
      set,
      own.filter(({ variant }) => !variant.startsWith('first')),
    ),
  )
  const first = own.filter(({ variant }) => variant.startsWith('first'))
  if (first.length > 0) process.stdout.write(setTable(`${set}, the first 100,000 rows`, first))
}
for (const result of read('published.jsonl')) process.stdout.write(roundTable(result))

// @ts-check
/// <reference lib="dom" />
/** The page: opens the index once, then answers every word at once, without a server. */
import { BatlIndex } from 'batl/search'

const form = /** @type {HTMLFormElement} */ (document.querySelector('form'))
const input = /** @type {HTMLInputElement} */ (document.querySelector('input'))
const list = /** @type {HTMLOListElement} */ (document.querySelector('ol'))
const status = /** @type {HTMLOutputElement} */ (document.querySelector('output'))

/** @type {BatlIndex<string[]>} */
const index = await BatlIndex.open('words.batl')
status.value = `${index.size} words`

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const word = input.value.trim().toLowerCase()
  if (!index.has(word)) {
    list.replaceChildren()
    status.value = `'${word}' is not among the ${index.size} words`
    return
  }
  const started = performance.now()
  const { ids, distances } = index.searchById(word, { k: 10 })
  status.value = `${(performance.now() - started).toFixed(1)} ms`
  list.replaceChildren(
    ...ids.map((id, place) => {
      const item = document.createElement('li')
      item.textContent = `${id} ${(1 - (distances[place] ?? 0)).toFixed(2)}`
      return item
    }),
  )
})

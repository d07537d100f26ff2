import { describe, expect, test } from '@jest/globals'
import { PassThrough } from 'node:stream'
import { PhaseBars } from '../../build/cli/progress.js'

/** A stream that looks like a terminal, or not, and keeps what is written to it. */
function screen(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 }) as unknown as NodeJS.WriteStream
  let text = ''
  stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
  return { stream, text: () => text }
}

/** What stands on the last lines: each bar as it was drawn last. */
function lastDrawn(text: string, words: string): string {
  const at = text.lastIndexOf(words)
  return at < 0 ? '' : text.slice(at).split('\u001b')[0]!.trimEnd()
}

describe('progress of a build', () => {
  test('a bar a phase, counting the turns of those that come again', () => {
    const { stream, text } = screen(true)
    const bars = new PhaseBars(stream)
    bars.update('partition', 1, 4)
    bars.update('partition', 4, 4)
    bars.update('train', 3, 4)
    bars.update('update', 1, 2)
    bars.update('train', 1, 4)
    bars.stop()
    expect(lastDrawn(text(), 'placing rows')).toMatch(/#{30} 100% \d+\.\d s$/)
    expect(lastDrawn(text(), 'updating tree')).toMatch(/ 50% \d+\.\d s$/)
    expect(lastDrawn(text(), 'training router')).toMatch(/ 25% \d+\.\d s turn 2$/)
  })

  test('a phase that goes on after another is in the same turn', () => {
    const { stream, text } = screen(true)
    const bars = new PhaseBars(stream)
    bars.update('labels', 50, 100)
    bars.update('tune', 1, 1)
    bars.update('labels', 60, 100)
    bars.stop()
    expect(lastDrawn(text(), 'labelling queries')).toMatch(/ 60% \d+\.\d s$/)
  })

  test('when the build is done, every bar is full and the cursor is back', () => {
    const { stream, text } = screen(true)
    const bars = new PhaseBars(stream)
    bars.update('labels', 50, 100)
    bars.update('train', 97, 100)
    bars.finish()
    expect(lastDrawn(text(), 'labelling queries')).toContain('100%')
    expect(lastDrawn(text(), 'training router')).toContain('100%')
    const cursor = [...text().matchAll(/\u001b\[\?25([lh])/g)].map((match) => match[1])
    expect([cursor[0], cursor.at(-1)]).toEqual(['l', 'h'])
  })

  test('nothing where there is no terminal', () => {
    const { stream, text } = screen(false)
    const bars = new PhaseBars(stream)
    bars.update('train', 1, 2)
    bars.finish()
    expect(text()).toBe('')
  })
})

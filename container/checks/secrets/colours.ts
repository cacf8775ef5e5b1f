import type { Unescaped } from './escapes.ts'

const ESCAPE = 27
/** What terminals take as orders: control sequences (ECMA-48, 5.4), and changes of the alphabet. None is longer. */
const ORDER = /\x1b(?:\[[0-?]{0,64}[ -/]{0,4}([@-~])|[()][0-9A-B])/g
/** Orders that leave what follows where it is: colours, and the clearing of a line's rest. */
const STAYS = new Set(['m', 'K', undefined])

/** The lines of a log or a recorded terminal that have colours, without them: their last letter touches what follows. */
export function uncoloured(content: Buffer): Unescaped | undefined {
  if (!content.includes(ESCAPE)) return undefined
  const kept: string[] = []
  const lines: number[] = []
  content
    .toString('latin1')
    .split('\n')
    .forEach((line, number) => {
      if (!line.includes('\x1b')) return
      const plain = line.replace(ORDER, (_, end: string | undefined) => (STAYS.has(end) ? '' : ' '))
      if (plain === line) return
      kept.push(plain)
      lines.push(number)
    })
  return kept.length ? { content: Buffer.from(`${kept.join('\n')}\n`, 'latin1'), lines } : undefined
}

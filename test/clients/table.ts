import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { projectRoot } from '../../local/worker/bundle.ts'
import type { Client } from './install.ts'

/** A step of a client's program, with the words that its user reads. */
export const Step = z.object({ step: z.string(), ok: z.boolean(), words: z.string() })
export type Step = z.infer<typeof Step>

const FILE = path.join(projectRoot, 'docs/clients.md')
const [BEGIN, END] = ['<!-- npm run clients: begin -->', '<!-- npm run clients: end -->']

/** Writes the results into docs/clients.md, between its marks. */
export function writeTable(results: ReadonlyMap<Client, readonly Step[] | string>): void {
  const columns = ['clone', 'fetch', 'push', 'tag', 'delete'] as const
  const mark = (steps: readonly Step[], name: string) => {
    const step = steps.find(each => each.step === name)
    return step === undefined ? '—' : step.ok ? 'yes' : 'no'
  }
  const rows = [...results].map(([{ name, version }, steps]) =>
    typeof steps === 'string'
      ? `| ${name} ${version} | ${columns.map(() => '').join(' | ')} | skipped: ${cell(steps)} |`
      : `| ${name} ${version} | ${columns.map(column => mark(steps, column)).join(' | ')} | |`,
  )
  const words = [...results].flatMap(([{ name }, steps]) =>
    typeof steps === 'string'
      ? []
      : [
          `| ${name} | ${['refused', 'unknown', 'wrong token'].map(step => wordsOf(steps, step)).join(' | ')} |`,
        ],
  )
  const text = [
    BEGIN,
    '',
    '| client | clone | fetch | push | tag | delete | |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    'Words that a program with this client reads:',
    '',
    '| client | a refused push | an unknown repository | a wrong token |',
    '| --- | --- | --- | --- |',
    ...words,
    '',
    END,
  ].join('\n')
  const before = fs.readFileSync(FILE, 'utf8')
  fs.writeFileSync(
    FILE,
    before.slice(0, before.indexOf(BEGIN)) + text + before.slice(before.indexOf(END) + END.length),
  )
}

const MAX_WORDS = 240

const wordsOf = (steps: readonly Step[], name: string) => {
  const words = steps.find(({ step }) => step === name)?.words
  return words ? cell(words) : '—'
}

const cell = (text: string) =>
  `\`${text
    .replaceAll(/gate_[a-z2-7]+_[A-Za-z0-9]+/g, 'TOKEN')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'GATE')
    .replaceAll(/\/\S*gate-client-\S*/g, 'FOLDER')
    .replaceAll(/[\s|`]+/g, ' ')
    .trim()
    .slice(0, MAX_WORDS)}\``

import type { Ran } from '../remedies/follow-output.ts'

/** The commands and tool calls of an agent in one situation, with the answers that it read. */
export interface Transcript {
  readonly name: string
  run(line: string, ran: Ran): void
  /** A call of a tool, or a step of the approver. */
  note(line: string, answer: string): void
  format(): string
}

const READ = /^(?:remote: (?:git-gate|upstream)|remote: {2,}| ! |fatal: |To |\{)/

/** Replaces what differs from run to run. */
export const stable = (text: string): string =>
  text
    .replaceAll(/\x1b\[K/g, '')
    .replaceAll(/gate_[a-z0-9]+_[\w-]+/g, 'TOKEN')
    .replaceAll(/https?:\/\/(?:[\w-]+:TOKEN@)?127\.0\.0\.1:\d+/g, 'https://gate.example')
    .replaceAll(/\b[0-9a-hjkmnp-tv-z]{20}\b/g, 'ID')
    .replaceAll(/\b[0-9a-f]{32}\b/g, 'FINGERPRINT')
    .replaceAll(/the token [0-9a-z]{10}\b/g, 'the token ID')
    .replaceAll(/\b(?:[0-9a-f]{40}|[0-9a-f]{12}|[0-9a-f]{7})\b/g, 'COMMIT')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/[ \t]+$/gm, '')

export function startTranscript(name: string): Transcript {
  const lines: string[] = []
  return {
    name,
    run(line, { output }) {
      lines.push(`$ ${line}`)
      lines.push(...output.split(/\r?\n|\r/).filter(each => READ.test(each)))
    },
    note: (line, answer) => void lines.push(`> ${line}`, ...answer.split('\n')),
    format: () => `## ${name}\n\n\`\`\`\n${stable(lines.join('\n')).trim()}\n\`\`\`\n`,
  }
}

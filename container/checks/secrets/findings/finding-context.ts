import type { Finding } from '../../../../src/contract/outcome.ts'
import { withoutLikelySecrets } from '../../../../src/contract/text/unscanned-text.ts'
import type { Git } from '../../../git/git.ts'
import type { DiffMask } from '../../../held/diff-masks.ts'
import { sanitizeForAgent } from '../../sanitize-text.ts'
import { Redactor } from './redactor.ts'

/** The lines shown before and after the line of a finding. */
const CONTEXT_LINES = 3
const MAX_LINE = 160
/** The most findings of a push that get context: the ledger keeps all findings of a push in one row. */
const MAX_FINDINGS = 50
/** Larger files get no context. */
const MAX_FILE_BYTES = 1 << 20

/**
 * Adds the subject of its commit and the lines around it to each finding, for the person who decides. Objects that git
 * cannot read are left out: nothing depends on the context.
 */
export async function addContext(
  git: Git,
  findings: readonly Finding[],
  { secrets }: DiffMask,
  signal: AbortSignal,
): Promise<void> {
  const redactor = new Redactor(secrets)
  const shown = (text: string) =>
    sanitizeForAgent(withoutLikelySecrets(redactor.redactLine(text.slice(0, 4 * MAX_LINE))), MAX_LINE)
  const first = findings.filter(({ commit }) => commit !== '').slice(0, MAX_FINDINGS)
  const commits = [...new Set(first.map(({ commit }) => commit))]
  if (commits.length === 0) return
  const subjects = await subjectsOf(git, commits, signal)
  for (const finding of first) {
    const subject = subjects.get(finding.commit)
    if (subject) finding.subject = shown(subject)
    if (finding.line === 0) continue
    const lines = await linesOf(git, `${finding.commit}:${finding.path}`, signal)
    if (lines.length < finding.line) continue
    const index = finding.line - 1
    finding.before = lines.slice(Math.max(0, index - CONTEXT_LINES), index).map(shown)
    finding.after = lines.slice(index + 1, index + 1 + CONTEXT_LINES).map(shown)
  }
}

async function subjectsOf(
  git: Git,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const log = ['log', '--no-walk', '--no-show-signature', '--encoding=UTF-8', '--format=%H %s', ...commits]
  const { code, stdout } = await git.run(log, { signal })
  if (code !== 0) return new Map()
  const lines = stdout.toString('utf8').split('\n')
  return new Map(lines.map(line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]))
}

async function linesOf(git: Git, object: string, signal: AbortSignal): Promise<string[]> {
  const size = await git.run(['cat-file', '-s', object], { signal })
  if (size.code !== 0 || Number(size.stdout) > MAX_FILE_BYTES) return []
  const { code, stdout } = await git.run(['cat-file', 'blob', object], { signal })
  return code === 0 ? stdout.toString('utf8').replace(/\n$/, '').split('\n') : []
}

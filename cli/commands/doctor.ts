import type { LinkStep } from '../../src/contract/outcome.ts'
import type { Client } from '../client.ts'
import { Complaint } from '../errors.ts'
import { answer, plain } from '../output.ts'
import { command, gate } from './context.ts'

interface Finding extends LinkStep {
  readonly repository: string | null
}

export const doctor = command(
  'doctor [repository]',
  'try each link of the chain, and say what to fix',
).action(async (repository: string | undefined, options) => {
  const findings = await examine(gate(), repository)
  const ok = findings.every(each => each.ok)
  answer(options, { ok, steps: findings }, () => findings.map(told).join('\n'))
  if (!ok) process.exitCode = 1
})

async function examine(client: Client, repository: string | undefined): Promise<Finding[]> {
  const status = await attempt(null, 'gate', 'See the message above', () => client.status())
  if ('failed' in status) return [status.failed]
  const { operator, companion, repositories, agents, tokens, openPushes } = status.got
  const findings = [
    fine('gate', `${client.url} answers`),
    fine('admin token', `accepted as ${operator}`),
    fine(
      'ledger',
      `${repositories} repositories, ${agents} agents, ${tokens} tokens, ${openPushes} open pushes`,
    ),
    fine('companion', companion === 'local' ? 'a local one' : 'a container for each repository'),
  ]
  const names =
    repository === undefined ? (await client.repositories.list()).map(each => each.name) : [repository]
  if (names.length === 0)
    findings.push({
      ...fine('repositories', 'there is none yet'),
      ok: false,
      fix: 'git gate identity new NAME, then git gate repo add NAME --upstream URL --identity NAME --known-hosts FILE',
    })
  for (const name of names) {
    const link = await attempt(name, 'companion', 'Is the companion running? Its log has the cause', () =>
      client.repositories.check(name),
    )
    if ('failed' in link) findings.push(link.failed)
    else findings.push(...link.got.steps.map(step => ({ repository: name, ...step })))
  }
  return findings
}

async function attempt<T>(
  repository: string | null,
  name: string,
  fix: string,
  ask: () => Promise<T>,
): Promise<{ got: T } | { failed: Finding }> {
  try {
    return { got: await ask() }
  } catch (error) {
    if (!(error instanceof Complaint)) throw error
    return { failed: { repository, name, ok: false, detail: error.message, fix: error.fix || fix } }
  }
}

const fine = (name: string, detail: string): Finding => ({
  repository: null,
  name,
  ok: true,
  detail,
  fix: '',
})

const told = (finding: Finding) =>
  plain(
    `${finding.ok ? 'ok  ' : 'FAIL'}  ${finding.repository ? `${finding.repository}: ` : ''}${finding.name}: ${finding.detail}` +
      (finding.ok || !finding.fix ? '' : `\n      ${finding.fix.replaceAll('\n', '\n      ')}`),
  )

import type { ConnectionStep } from '../../src/contract/outcome.ts'
import type { Client } from '../client.ts'
import { CliError } from '../errors.ts'
import { printResult, stripControl } from '../output.ts'
import { command, gate } from './context.ts'

interface DoctorStep extends ConnectionStep {
  readonly repository: string | null
}

export const doctor = command(
  'doctor [repository]',
  'check the connection to the gate, to every upstream and to webhooks, and print fixes',
).action(async (repository: string | undefined, options) => {
  const client = gate()
  const steps = [
    ...(await runSteps(client, repository)),
    ...(repository === undefined ? await webhookSteps(client) : []),
  ]
  const ok = steps.every(({ ok }) => ok)
  printResult(options, { ok, steps }, () => steps.map(formatStep).join('\n'))
  if (!ok) process.exitCode = 1
})

async function runSteps(client: Client, repository: string | undefined): Promise<DoctorStep[]> {
  const status = await attempt(null, 'gate', 'See the message above', () => client.status())
  if ('failed' in status) return [status.failed]
  const { operator, companion, repositories, agents, tokens, openPushes } = status.result
  const steps = [
    passed('gate', `${client.url} responds`),
    passed('admin token', `accepted as ${operator}`),
    passed(
      'ledger',
      `repositories: ${repositories}, agents: ${agents}, tokens: ${tokens}, open pushes: ${openPushes}`,
    ),
    passed(
      'companion',
      companion === 'local' ? 'one process for all repositories' : 'one container per repository',
    ),
  ]
  const names =
    repository === undefined ? (await client.repositories.list()).map(({ name }) => name) : [repository]
  if (names.length === 0)
    steps.push({
      ...passed('repositories', 'no repository yet'),
      ok: false,
      fix: 'git gate identity new NAME, then git gate repo add NAME --upstream URL --identity NAME --known-hosts FILE',
    })
  for (const name of names) {
    const check = await attempt(
      name,
      'companion',
      'Check that the companion runs; its log has the cause',
      () => client.repositories.check(name),
    )
    if ('failed' in check) steps.push(check.failed)
    else
      for (const step of check.result.steps)
        steps.push({ repository: name, ...step, fix: await withPublicKey(client, step.fix) })
  }
  return steps
}

/** Webhooks and e-mail addresses. Only an admin of the whole gate may read them: other operators get no line. */
async function webhookSteps(client: Client): Promise<DoctorStep[]> {
  const list = await attempt(null, 'webhooks', 'See the message above', () => client.webhooks.list())
  if ('failed' in list) return list.code === 'forbidden' ? [] : [list.failed]
  return list.result.map(({ id, format, problem }) => ({
    ...passed(
      `webhook ${id}`,
      problem ? `${problem.text}, at ${problem.at}` : 'its last attempt did not fail',
    ),
    ok: problem === null,
    fix:
      format === 'email'
        ? 'Check GATE_SMTP_URL, GATE_SMTP_FROM and GATE_SMTP_CREDENTIAL. The gate tries again for a day'
        : `Check its receiver. The gate tries again for a day. If it is gone: git gate webhook remove ${id}`,
  }))
}

/** Adds the public key to a fix that asks for its registration at the upstream. */
async function withPublicKey(client: Client, fix: string): Promise<string> {
  const [, name] = /git gate identity show (\S+)$/.exec(fix) ?? []
  if (name === undefined) return fix
  const identity = (await client.identities.list()).find(each => each.name === name)
  return identity ? `${fix}\n${identity.publicKey.trim()}` : fix
}

async function attempt<T>(
  repository: string | null,
  name: string,
  fix: string,
  action: () => Promise<T>,
): Promise<{ result: T } | { failed: DoctorStep; code: string }> {
  try {
    return { result: await action() }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    const isUnknown = error.code === 'not-found'
    return {
      code: error.code,
      failed: {
        repository: isUnknown ? null : repository,
        name: isUnknown ? 'repository' : name,
        ok: false,
        detail: error.message,
        fix: error.fix || fix,
      },
    }
  }
}

const passed = (name: string, detail: string): DoctorStep => ({
  repository: null,
  name,
  ok: true,
  detail,
  fix: '',
})

const formatStep = (step: DoctorStep) =>
  stripControl(
    `${step.ok ? 'ok  ' : 'FAIL'}  ${step.repository ? `${step.repository}: ` : ''}${step.name}: ${step.detail}` +
      (step.ok || !step.fix ? '' : `\n      ${step.fix.replaceAll('\n', '\n      ')}`),
  )

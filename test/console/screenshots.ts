// npm run screenshots: takes pictures of every page of the console, on a gate with history, into docs/console.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { toTerms } from '../../cli/options/grant-options.ts'
import { createUpstream } from '../../local/demo/demo.ts'
import { startSshServer } from '../../local/demo/sshd.ts'
import { startLocalGate } from '../../local/gate.ts'
import { openHome } from '../../local/state-folder.ts'
import { bundleWorker } from '../../local/worker/bundle.ts'
import { startWorker } from '../../local/worker/workerd.ts'
import { cloneIn } from '../harness/clone.ts'
import { git } from '../harness/git.ts'
import { until } from '../harness/until.ts'
import { type ConsolePage, confirm, launchBrowser, openConsole } from './fixtures/browser.ts'
import { type PastPush, randomObjectId, STEPS, writeHistory } from './fixtures/history.ts'
import { fakeGithubToken } from './fixtures/sample-data.ts'

const folder = path.join(import.meta.dirname, '../../docs/console')
const DAY = 86_400_000

const EXAMPLE = `import { open } from './gate.ts'

/** Clones the repository, and says hello. */
export async function begin(name: string): Promise<number> {
  const gate = await open({ within: 5_000 })
  return gate.push(name, \`hello from \${name}\`)
}
`

await using all = new AsyncDisposableStack()
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-screenshots-'))
all.defer(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
const home = all.use(openHome(path.join(dir, 'home'), {}))
const server = all.use(await startSshServer({ dir: path.join(dir, 'sshd'), port: 0 }))
const code = await bundleWorker()
const gate = all.use(
  await startLocalGate({
    home,
    port: 0,
    companionPort: 0,
    settings: {},
    log: () => {},
    runWorker: worker => startWorker({ ...worker, code }),
  }),
)

const repositories = ['acme/app', 'acme/billing', 'acme/docs']
for (const name of repositories) {
  const upstream = path.join(dir, `${name}.git`)
  await createUpstream(upstream)
  server.authorize(await gate.admin.identity('acme-deploy'))
  await gate.admin.repository(name, {
    upstream: server.urlOf(upstream),
    identity: 'acme-deploy',
    knownHosts: server.knownHosts,
  })
}
const own = toTerms({
  push: ['{agent}/**'],
  force: ['{agent}/**'],
  delete: ['{agent}/**'],
  tags: ['{agent}-*'],
  ask: [{ paths: ['.github/workflows/**'] }],
})
const agents = ['ada', 'bruno', 'cleo']
const tokens = new Map<string, string>()
for (const agent of agents) {
  await gate.admin.agent(agent)
  for (const name of repositories) await gate.admin.grant(agent, name, own)
  tokens.set(agent, (await gate.admin.mint(agent, 'laptop')).token)
}
await gate.admin.request('PUT', '/operators', { principal: 'email:grace@acme.example', role: 'admin' })
await gate.admin.request('PUT', '/operators', {
  principal: 'group:billing',
  role: 'approver',
  repository: 'acme/billing',
})
writeHistory(home.dir, twoWeeks())
await push('cleo', 'acme/docs', 'cleo/wording', {
  'guide.md': 'How to begin.\n',
  'examples/begin.ts': EXAMPLE,
})
await push('bruno', 'acme/billing', 'main', { 'invoice.ts': 'export const vat = 19\n' })
await push('bruno', 'acme/billing', 'bruno/nightly', {
  '.github/workflows/nightly.yml': 'on:\n  schedule:\n    - cron: 0 3 * * *\n',
})
await push('cleo', 'acme/docs', 'cleo/import', {
  'old/settings.py': `TOKEN = "${fakeGithubToken()}"\n`,
  'old/upload.sh': `curl -H "Authorization: token ${fakeGithubToken()}" "$1"\n`,
})
await push('ada', 'acme/app', 'ada/deploy-script', {
  'scripts/deploy.sh': `#!/bin/sh\nexport GITHUB_TOKEN=${fakeGithubToken()}\nmake deploy\n`,
})
const slow = path.join(dir, 'acme/app.git/hooks/pre-receive')
fs.mkdirSync(path.dirname(slow), { recursive: true })
fs.writeFileSync(slow, `#!/bin/sh\nwhile ! [ -e ${dir}/go ]; do sleep 0.2; done\n`, { mode: 0o755 })
const going = push('ada', 'acme/app', 'ada/faster-search', { 'search.ts': 'export const limit = 50\n' })
await until(
  async () => (await latestPushes()).find(each => each.outcome === 'open'),
  20_000,
  () => 'no open push',
)

const browser = all.adopt(await launchBrowser(), each => each.close())
fs.mkdirSync(folder, { recursive: true })
for (const scheme of ['light', 'dark'] as const)
  for (const width of [1600, 360]) {
    await using console_ = await openConsole(
      browser,
      { url: gate.url, adminToken: home.adminToken },
      { width, height: width === 360 ? 740 : 1000, scheme },
    )
    await takeScreenshots(console_, name => path.join(folder, `${name}-${width}-${scheme}.png`))
    if (console_.errors.length) throw new Error(console_.errors.join('\n'))
  }
fs.writeFileSync(path.join(dir, 'go'), '')
await going

async function takeScreenshots({ page, open }: ConsolePage, fileOf: (name: string) => string): Promise<void> {
  const screenshot = async (name: string) => {
    await page.screenshot({ path: fileOf(name), fullPage: name !== 'pushes' })
  }
  const pushes = await latestPushes()
  const refused = pushes.find(each => each.findings.length === 1)
  const imported = pushes.find(each => each.findings.length > 1)
  await open('/pushes')
  await page.getByText('forwarding').first().waitFor()
  await screenshot('pushes')
  await open(`/pushes/${refused?.id}`)
  await screenshot('push')
  await open(`/pushes/${pushes.find(each => each.outcome === 'accepted')?.id}/diff`)
  await page.getByText('+How to begin.').waitFor()
  await screenshot('diff')
  await open(`/pushes/${refused?.id}/diff`)
  await page.getByText('make deploy').waitFor()
  await screenshot('refused-diff')
  await open('/pending')
  await screenshot('pending-findings')
  await page.getByRole('link', { name: 'Allow all of this push' }).click()
  await page.waitForURL(`**/pushes/${imported?.id}#*`)
  await page.locator('#allow-all-reason').waitFor()
  await screenshot('allow-all')
  await open('/approvals')
  await screenshot('approvals')
  await page.getByRole('link', { name: 'bruno to acme/billing' }).click()
  await page.getByRole('button', { name: 'Reject' }).waitFor()
  await screenshot('approval')
  await open('/repositories')
  await screenshot('repositories')
  await open(`/repositories/${encodeURIComponent('acme/docs')}`)
  await page.getByRole('button', { name: 'Check the connection' }).click()
  await page.getByText('the upstream takes pushes').waitFor()
  await screenshot('repository')
  await open('/agents')
  await screenshot('agents')
  await open('/agents/ada')
  await page.getByRole('button', { name: 'Mint a token' }).click()
  await page.getByText('not shown again').waitFor()
  await page.evaluate(`for (const each of document.querySelectorAll('.copy pre'))
    each.textContent = each.textContent.replace(/(gate_[a-z2-7]+_)[A-Za-z0-9]+/, '$1' + '•'.repeat(32))`)
  await screenshot('agent')
  await confirm(page, /^Revoke/)
  await open('/agents/ada/day')
  await screenshot('agent-day')
  await open('/overview')
  await screenshot('overview')
  for (const name of ['audit-log', 'identities', 'operators', 'admin-tokens', 'webhooks']) {
    await open(`/settings/${name}`)
    await screenshot(`settings-${name}`)
  }
  await page.getByRole('button', { name: 'Sign out' }).click()
  await screenshot('sign-in')
}

type Listed = { id: string; outcome: string; findings: unknown[] }
async function latestPushes(): Promise<Listed[]> {
  const { pushes } = (await gate.admin.request('GET', '/pushes?limit=20')) as { pushes: Listed[] }
  return pushes
}

async function push(agent: string, repository: string, branch: string, files: Record<string, string>) {
  const url = `${gate.url.replace('://', `://${agent}:${tokens.get(agent)}@`)}/${repository}.git`
  const folder = path.join(dir, `${agent}-${randomBytes(4).toString('hex')}`)
  await promisify(execFile)('git', ['clone', '-q', url, folder])
  const work = cloneIn(folder)
  await work.commit(`Work on ${branch}`, files)
  return git(['push', '-q', 'origin', `HEAD:refs/heads/${branch}`], { cwd: folder, within: 600_000 })
}

/** Two weeks of pushes, with the same mix of outcomes in every run. */
function twoWeeks(): PastPush[] {
  const topics = ['fix-login', 'search', 'invoices', 'docs', 'deps', 'retry', 'cache', 'typo', 'ci']
  const now = Date.now()
  return Array.from({ length: 620 }, (_, i): PastPush => {
    const agent = agents[(i * 7) % 3] ?? 'ada'
    const refused = i % 11 === 3
    const ended = i % 97 === 5 ? 'failed' : i % 61 === 7 ? 'abandoned' : refused ? 'refused' : 'accepted'
    const noise = (i * 2_654_435_761) % 1000
    const times = [40 + (noise % 160), 4 + (noise % 9), 9 + (noise % 31), 6 + (noise % 13), 280 + noise]
    times.push(350 + ((noise * 7) % 1400))
    const steps = STEPS.slice(0, ended === 'refused' ? 2 : ended === 'abandoned' ? 1 : undefined).map(
      (step, at) => ({ step, ms: times[at] ?? 0 }),
    )
    const ref = `refs/heads/${refused ? 'main' : `${agent}/${topics[i % topics.length]}`}`
    const reason = {
      accepted: '',
      refused: `git-gate: ${agent} may push refs/heads/${agent}/** only`,
      failed: 'git-gate: the upstream did not answer within 120 s',
      abandoned: 'git-gate: the client disconnected',
    }[ended]
    return {
      startedAt: Math.round(now - DAY / 24 - (i / 620) ** 1.3 * 13.5 * DAY - (noise / 1000) * (DAY / 8)),
      agent,
      repository: repositories[(i * 5) % 3] ?? 'acme/app',
      outcome: ended,
      step: steps.at(-1)?.step ?? 'receiving',
      ms: steps.reduce((sum, { ms }) => sum + ms, 0),
      steps,
      disconnectReason: ended === 'abandoned' ? (i % 2 ? 'disconnected' : 'idle-timeout') : null,
      scannedBytes: steps.length > 2 ? 3_000 + noise * noise : 0,
      refs: [
        {
          ref,
          old: i % 3 === 0 ? '0'.repeat(40) : randomObjectId(),
          new: randomObjectId(),
          status: ended === 'accepted' ? 'ok' : 'ng',
          reason,
        },
      ],
      remoteLines: reason ? [reason] : [],
    }
  })
}

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'
import { containerEnvironment } from '../../src/companion/container-environment.ts'
import { HostCredential } from '../../src/contract/credential.ts'
import { IdentityName } from '../../src/contract/names.ts'
import { gitText } from '../harness/index.ts'

const deploy = (option: string, checkout = projectRoot) =>
  promisify(execFile)(process.execPath, [path.join(checkout, 'local/deploy.ts'), option])

test('--help and a mistyped option deploy nothing', async () => {
  const { stdout } = await deploy('--help')
  expect(stdout).toContain('--check')
  expect(stdout).not.toMatch(/[✓×]/)
  await expect(deploy('--chek')).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining("unknown option '--chek'"),
  })
})

test('a bad setting in wrangler.toml stops the deployment and is named', async () => {
  using stack = new DisposableStack()
  const checkout = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-deploy-'))
  stack.defer(() => fs.rmSync(checkout, { recursive: true, force: true }))
  await gitText(['clone', '-q', '--depth', '1', `file://${projectRoot}`, checkout])
  fs.symlinkSync(path.join(projectRoot, 'node_modules'), path.join(checkout, 'node_modules'))
  const commit = async (vars: string) => {
    fs.appendFileSync(path.join(checkout, 'wrangler.toml'), `\n[env.production.vars]\n${vars}\n`)
    await gitText(['add', '--all'], { cwd: checkout })
    await gitText(['-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '-qm', 'Settings'], {
      cwd: checkout,
    })
  }
  await commit('GATE_SCAN_SECONDS = 60\nGATE_FORWARD_SECONDS = "soon"')
  await expect(deploy('--check', checkout)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/× the settings .*\n.*GATE_FORWARD_SECONDS: must be a number of seconds/),
  })
})

test('a number in wrangler.toml reaches the container as a setting', async () => {
  const { variables } = await containerEnvironment(
    { GATE_SCAN_SECONDS: 60 },
    { identity: IdentityName.parse('deploy'), credential: null },
  )
  expect(variables).toMatchObject({ GATE_SCAN_SECONDS: '60' })
})

test("a container gets the secrets of its own repository's identity and credential", async () => {
  const worker = {
    GATE_IDENTITY_DEPLOY: 'key',
    GATE_IDENTITY_OTHER: 'key',
    GATE_CREDENTIAL_ACME_BOT: 'token',
    GATE_CREDENTIAL_OTHER_SECONDS: 'token',
  }
  const secretsFor = async (upstream: Parameters<typeof containerEnvironment>[1]) =>
    Object.keys((await containerEnvironment(worker, upstream)).variables).filter(name => name in worker)
  const credential = HostCredential.parse({ name: 'acme-bot', user: 'git', app: null })
  expect(await secretsFor({ identity: null, credential })).toEqual(['GATE_CREDENTIAL_ACME_BOT'])
  expect(await secretsFor({ identity: IdentityName.parse('deploy'), credential: null })).toEqual([
    'GATE_IDENTITY_DEPLOY',
  ])
})

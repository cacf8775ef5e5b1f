import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { Webhook } from '../../src/contract/admin-api/webhooks.ts'
import { approvalsOf, pushThatWaits } from '../approval/fixtures/approvals.ts'
import { gitGate } from '../cli/command.ts'
import { makeCertificates } from '../harness/hosts/https-host.ts'
import { type Agent, type Gate, startGate } from '../harness/index.ts'
import { type MailServer, startMailServer } from './fixtures/mail-server.ts'

const certificates = makeCertificates()
const password = `p:${randomBytes(12).toString('hex')}`
const ends = new AsyncDisposableStack()

let mail: MailServer
let gate: Gate
let ada: Agent
beforeAll(async () => {
  const login = { user: 'gate@acme.example', password }
  mail = ends.use(await startMailServer({ certificates, isImplicit: true, login }))
  gate = ends.use(
    await startGate({
      settings: {
        GATE_PUBLIC_URL: 'https://gate.example',
        GATE_SMTP_URL: `smtps://127.0.0.1:${mail.port}`,
        GATE_SMTP_FROM: 'gate@acme.example',
        GATE_SMTP_CREDENTIAL: 'mail',
        GATE_SMTP_CA: certificates.ca,
      },
    }),
  )
  ada = await gate.agent('ada', { push: ['ada/**'], ask: [{ paths: ['.github/**'] }] })
}, 60_000)
afterAll(() => ends.disposeAsync())

const run = (...args: string[]) =>
  gitGate(args, { env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken } })
const webhooks = async () => z.array(Webhook).parse(await gate.admin.request('GET', '/webhooks'))
const retry = async () => {
  approvalsOf(gate).inLedger('UPDATE deliveries SET due_at = 0')
  await gate.tick()
}
/** A delivery that goes on already ends with the problem of before. */
const afterRetries = () =>
  expect.poll(async () => {
    await retry()
    return webhooks()
  })

test('an operator learns by e-mail of a push that waits, and of a mail server that takes none', async () => {
  const added = await run('webhook', 'add', 'mailto:ops@acme.example', '--events', 'approvals')
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('mailto:ops@acme.example') })

  const push = await pushThatWaits(ada, 'mail')
  await gate.tick()
  expect(await webhooks()).toMatchObject([
    { problem: { text: expect.stringContaining('there is no credential mail') } },
  ])
  await gate.admin.request('PUT', '/credentials/mail', {
    user: 'gate@acme.example',
    secret: `${password}-wrong`,
  })
  await afterRetries().toMatchObject([{ problem: { text: expect.stringContaining('535') } }])
  const doctor = await run('doctor')
  expect(doctor.stdout).toMatch(/FAIL {2}webhook \w+: .*535[\s\S]*GATE_SMTP_CREDENTIAL/)
  expect((await run('webhook', 'list')).stdout).toContain('535')

  await gate.admin.request('PUT', '/credentials/mail', { user: 'gate@acme.example', secret: password })
  mail.refuse({ code: 550, text: 'no such mailbox' })
  await afterRetries().toMatchObject([{ problem: { text: expect.stringContaining('no such mailbox') } }])
  expect(mail.received).toEqual([])

  mail.refuse(undefined)
  await retry()
  await retry()
  expect(mail.received).toMatchObject([{ to: ['ops@acme.example'], isSecure: true }])
  const { message = '' } = mail.received[0] ?? {}
  expect(message).toContain('Subject: git-gate: A push waits for your approval: app')
  expect(message.replaceAll('=\r\n', '')).toContain(`https://gate.example/-/console/approvals/${push.id}`)
  expect(message).toContain(`Ref: ${push.ref}`)
  expect(await webhooks()).toMatchObject([{ problem: null }])
  expect((await run('doctor')).stdout).toContain('its last attempt did not fail')

  for (const secret of [password, Buffer.from(password).toString('base64')]) {
    expect(gate.log.join('\n')).not.toContain(secret)
    expect(JSON.stringify([await webhooks(), await gate.admin.request('GET', '/audit-log')])).not.toContain(
      secret,
    )
  }
  expect(await filesWith(path.join(gate.home), password)).toEqual(['mail'])
})

test('the private key of a GitHub App is not sent to a mail server', async () => {
  const { privateKey: secret } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  await gate.admin.request('PUT', '/credentials/mail', { app: { id: '1', installation: '2' }, secret })
  const logins = mail.logins.length
  await pushThatWaits(ada, 'app')
  await gate.tick()
  expect(await webhooks()).toMatchObject([{ problem: { text: expect.stringContaining('GitHub App') } }])
  expect(mail.logins).toHaveLength(logins)
})

test('an address has no list and no header, and goes with the format email alone', async () => {
  const add = (webhook: object) => gate.admin.request('POST', '/webhooks', webhook)
  for (const url of ['a@b.example,c@d.example', 'a@b.example?bcc=c@d.example', 'a%0d%0a@b.example', ''])
    await expect(add({ url: `mailto:${url}`, format: 'email' })).rejects.toThrow()
  for (const url of ['mailto:a@b.example', 'MAILTO:a@b.example'])
    await expect(add({ url })).rejects.toThrow('mailto')
  await expect(add({ url: 'https://b.example', format: 'email' })).rejects.toThrow('mailto')
})

/** Returns the names of the files below a folder that have this text. */
async function filesWith(folder: string, text: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  const found = await Promise.all(
    files.map(async ({ parentPath, name }) =>
      (await readFile(path.join(parentPath, name)).catch(() => '')).includes(text) ? [name] : [],
    ),
  )
  return found.flat()
}

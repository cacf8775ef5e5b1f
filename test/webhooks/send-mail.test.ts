import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { sendMail } from '../../container/mail/send-mail.ts'
import type { MailServer } from '../../src/contract/mail.ts'
import { makeCertificates } from '../harness/hosts/https-host.ts'
import { startMailServer } from './fixtures/mail-server.ts'

const certificates = makeCertificates()
const login = { user: 'gate', password: `p:${randomBytes(12).toString('hex')}` }
const mail = {
  from: 'gate@gate.example',
  to: 'ops@acme.example',
  messageId: '<w-p@gate.example>',
  subject: 'A push waits',
  text: 'A push waits.\n',
}
const at = (port: number, tls: MailServer['tls'], { ca = certificates.ca, host = '127.0.0.1' } = {}) => ({
  host,
  port,
  tls,
  ca,
})

test('an e-mail is sent over TLS from the start, or over STARTTLS, with the login', async () => {
  for (const tls of ['implicit', 'starttls'] as const) {
    using server = await startMailServer({ certificates, isImplicit: tls === 'implicit', login })
    expect(await sendMail(at(server.port, tls), login, mail)).toBeUndefined()
    expect(server.received).toMatchObject([{ from: mail.from, to: [mail.to], isSecure: true, user: 'gate' }])
    expect(server.received[0]?.message).toMatch(/^Auto-Submitted: auto-generated\r$/m)
    expect(server.received[0]?.message).toMatch(/^Message-ID: <w-p@gate\.example>\r$/m)
  }
})

test('a server without TLS, with the certificate of a foreign authority or for another name is sent nothing', async () => {
  using plain = await startMailServer({ login })
  expect(await sendMail(at(plain.port, 'starttls'), login, mail)).toContain('STARTTLS')
  using secure = await startMailServer({ certificates, isImplicit: true, login })
  const foreign = makeCertificates().ca
  for (const server of [
    at(secure.port, 'implicit', { ca: foreign }),
    at(secure.port, 'implicit', { ca: '' }),
    at(secure.port, 'implicit', { host: 'localhost' }),
  ])
    expect(await sendMail(server, login, mail)).toMatch(/certificate|altnames/i)
  using starttls = await startMailServer({ certificates, login })
  expect(await sendMail(at(starttls.port, 'starttls', { host: 'localhost' }), login, mail)).toMatch(
    /altnames/,
  )
  for (const { received } of [plain, secure, starttls]) expect(received).toEqual([])
})

test('a refused login or recipient is told in the words of the server, without the password', async () => {
  using server = await startMailServer({ certificates, isImplicit: true, login })
  const wrong = { ...login, password: `w:${randomBytes(12).toString('hex')}` }
  const told = await sendMail(at(server.port, 'implicit'), wrong, mail)
  expect(told).toContain('535')
  expect(told).toContain('***')
  expect(told).not.toContain(wrong.password)
  server.refuse({ code: 550, text: 'no such user here' })
  expect(await sendMail(at(server.port, 'implicit'), login, mail)).toContain('550 no such user here')
  expect(server.received).toEqual([])
})

test('a server that hangs, or sends without end, is let go', async () => {
  for (const isEndless of [false, true]) {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>()
    const server = createServer(socket => {
      // A reset is an end as well.
      socket.on('error', () => {}).on('close', () => close())
      const more = () => socket.writable && socket.write('220-wait\r\n', () => setImmediate(more))
      if (isEndless) more()
    }).listen(0, '127.0.0.1')
    try {
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const told = await sendMail(at(port, 'none'), undefined, mail, 300)
      expect(told).toMatch(/no answer within 0\.3 s|too (large|long)/)
      await closed
    } finally {
      server.close()
    }
  }
})

test('no text of a push ends a header, begins another one, or ends the message', async () => {
  using server = await startMailServer({})
  const hostile = 'a\r\nBcc: eve@evil.example\r\n\r\nbody'
  const text = `${hostile}\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n${'x'.repeat(3_000)}\r\nGrüße 😀\n`
  const sent = { ...mail, subject: `${hostile} =?utf-8?q?Bcc?= Grüße 😀 ${'ä'.repeat(400)}`, text }
  expect(await sendMail(at(server.port, 'none'), undefined, sent)).toBeUndefined()
  expect(server.received).toHaveLength(1)
  const { message = '', to } = server.received[0] ?? {}
  expect(to).toEqual([mail.to])
  const [head = ''] = message.split('\r\n\r\n')
  const names = head.split('\r\n').flatMap(line => /^([\w-]+):/.exec(line)?.[1] ?? [])
  expect(names.sort()).toEqual(
    [
      'Auto-Submitted',
      'Content-Transfer-Encoding',
      'Content-Type',
      'Date',
      'From',
      'MIME-Version',
      'Message-ID',
      'Subject',
      'To',
    ].sort(),
  )
  expect(head).not.toMatch(/[^\x20-\x7e\r\n]/)
  expect(head).toMatch(/^Subject: =\?UTF-8\?/m)
  expect(message.split('\r\n').every(line => line.length <= 998)).toBe(true)
})

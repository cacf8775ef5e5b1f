import { expect, test } from 'vitest'
import { readSettings } from '../../src/common/settings.ts'

const given = (settings: Record<string, string>) =>
  readSettings({ GATE_PASS_KEY: 'k'.repeat(32), GATE_ADMIN_TOKEN: 't'.repeat(32), ...settings })

test.each<[string, Record<string, string>, string]>([
  ['without its client', { GATE_OIDC_ISSUER: 'https://id.example' }, 'goes with GATE_OIDC_CLIENT_ID'],
  [
    'without protection on the way',
    { GATE_OIDC_ISSUER: 'http://id.example', GATE_OIDC_CLIENT_ID: 'gate' },
    'must begin with https://',
  ],
  [
    'with scopes that make no ID token',
    { GATE_OIDC_ISSUER: 'https://id.example', GATE_OIDC_CLIENT_ID: 'gate', GATE_OIDC_SCOPES: 'email' },
    'must begin with openid',
  ],
])('an issuer %s is refused', (_, settings, words) => {
  expect(given(settings)).toMatchObject({ ok: false, problem: expect.stringContaining(words) })
})

test('an issuer on this machine may use http', () => {
  const settings = { GATE_OIDC_ISSUER: 'http://127.0.0.1:5556/dex', GATE_OIDC_CLIENT_ID: 'gate' }
  expect(given(settings)).toMatchObject({ ok: true })
})

const mail = { GATE_SMTP_FROM: 'gate@acme.example', GATE_COMPANION_URL: 'http://127.0.0.1:9420' }

test.each([
  ['smtps://mail.example', { host: 'mail.example', port: 465, tls: 'implicit' }],
  ['smtp://mail.example', { host: 'mail.example', port: 587, tls: 'starttls' }],
  ['smtp://127.0.0.1:1025', { host: '127.0.0.1', port: 1025, tls: 'none' }],
  ['smtp://[::1]:1025/', { host: '::1', port: 1025, tls: 'none' }],
  ['smtp://127.0.0.1.evil.example', { port: 587, tls: 'starttls' }],
])('the mail server %s goes without TLS on this machine only', (GATE_SMTP_URL, server) => {
  expect(given({ ...mail, GATE_SMTP_URL })).toMatchObject({ ok: true, settings: { GATE_SMTP_URL: server } })
})

test.each<[string, Record<string, string>, string]>([
  [
    'with a password',
    { ...mail, GATE_SMTP_URL: 'smtps://u:p@mail.example' },
    'GATE_SMTP_CREDENTIAL holds the login',
  ],
  ['with options', { ...mail, GATE_SMTP_URL: 'smtp://mail.example?ignoreTLS=true' }, 'must be smtps://HOST'],
  ['over HTTP', { ...mail, GATE_SMTP_URL: 'https://mail.example' }, 'must be smtps://HOST'],
  ['without a sender', { ...mail, GATE_SMTP_URL: 'smtps://m.example', GATE_SMTP_FROM: '' }, 'GATE_SMTP_FROM'],
  [
    'beside containers',
    { GATE_SMTP_URL: 'smtps://m.example', GATE_SMTP_FROM: 'gate@acme.example' },
    'needs a companion on a host of its own',
  ],
])('a mail server %s is refused', (_, settings, words) => {
  const read = given(settings)
  expect(read).toMatchObject({ ok: false, problem: expect.stringContaining(words) })
})

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

import { CompactSign, UnsecuredJWT } from 'jose'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { readClaims, signClaims } from '../../src/contract/companion-api/signed-claims.ts'

const KEY = 'k'.repeat(64)
const NOW = 1_000_000
const Schema = z.object({ v: z.literal(1), exp: z.number(), who: z.string() })
const claims = { v: 1, exp: NOW, who: 'ada' }
const read = (text: string, key = KEY) => readClaims(text, key, NOW, Schema, 1)

test('claims hold up to their last second, and no longer', async () => {
  expect(await read(await signClaims(claims, KEY))).toEqual({ ok: true, claims })
  expect(await read(await signClaims({ ...claims, exp: NOW - 1 }, KEY))).toEqual({
    ok: false,
    reason: 'the pass has expired',
  })
})

test('claims of another key, of another algorithm, or of none, are not signed', async () => {
  const bytes = new TextEncoder().encode(JSON.stringify(claims))
  const key = new TextEncoder().encode(KEY)
  const other = await new CompactSign(bytes).setProtectedHeader({ alg: 'HS512' }).sign(key)
  for (const text of [await signClaims(claims, `${KEY}k`), other])
    expect(await read(text)).toEqual({ ok: false, reason: 'the pass is not signed by this gate' })
  expect(await read(new UnsecuredJWT(claims).encode())).toMatchObject({ ok: false })
  expect(await read('')).toEqual({ ok: false, reason: 'no pass' })
})

test('claims of another version say so, whatever else they hold; others that do not fit cannot be read', async () => {
  expect(await read(await signClaims({ v: 2, exp: NOW }, KEY))).toEqual({
    ok: false,
    reason: 'the pass is of protocol 2, the other side speaks 1',
  })
  for (const bad of [{ v: 1, exp: NOW }, { ...claims, exp: '9' }, null, 'text'])
    expect(await read(await signClaims(bad, KEY))).toEqual({ ok: false, reason: 'the pass cannot be read' })
})

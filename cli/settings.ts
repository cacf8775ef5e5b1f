import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Complaint } from './errors.ts'

/** In one spelling, so that the same gate is known for the same. */
const GateUrl = z.url({ protocol: /^https?$/ }).transform(url => new URL(url).href.replace(/\/+$/, ''))
const Admin = z.object({ url: GateUrl, token: z.string().min(1) })

/** Where the gate is, and what lets an operator in. */
export interface Settings extends z.infer<typeof Admin> {
  /** A service token of Cloudflare Access, for a gate behind it. */
  readonly access?: { readonly id: string; readonly secret: string } | undefined
}

/**
 * GATE_URL and GATE_ADMIN_TOKEN from the environment; what is missing there comes from the file that
 * a local gate writes, `${GATE_HOME:-.git-gate}/admin.json`, here or beside the package. A gate behind Cloudflare
 * Access is reached with GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET, a service token's two halves.
 */
export function findSettings(env: NodeJS.ProcessEnv, cwd: string): Settings {
  const home = env.GATE_HOME || '.git-gate'
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  const places = isAbsolute(home) ? [home] : [resolve(cwd, home), resolve(root, home)]
  const files = places.map(place => join(place, 'admin.json'))
  const given = env.GATE_URL ? gateUrl(env.GATE_URL) : undefined
  const found = given && env.GATE_ADMIN_TOKEN ? undefined : files.find(existsSync)
  const local = found === undefined ? {} : readAdminFile(found)
  const url = given ?? local.url
  const token = env.GATE_ADMIN_TOKEN || (url === local.url ? local.token : undefined)
  if (!url || !token)
    throw new Complaint(
      !url ? 'which gate? There is no GATE_URL, and no gate of this folder' : 'there is no GATE_ADMIN_TOKEN',
      `Set GATE_URL and GATE_ADMIN_TOKEN, or start a gate here (npm start), which writes ${files[0]}`,
    )
  return { url, token: sendable(token), access: serviceToken(env) }
}

/** A token that a header can carry: fetch's complaint of another would repeat it. */
function sendable(text: string): string {
  const token = text.trim()
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new Complaint(
    'GATE_ADMIN_TOKEN has spaces or characters that are in no token',
    'Set it to an admin token, on one line',
  )
}

function gateUrl(text: string): string {
  const parsed = GateUrl.safeParse(text)
  if (!parsed.success) throw new Complaint(`GATE_URL is not an http:// or https:// URL: ${text}`)
  return parsed.data
}

function serviceToken(env: NodeJS.ProcessEnv): Settings['access'] {
  const { GATE_ACCESS_CLIENT_ID: id, GATE_ACCESS_CLIENT_SECRET: secret } = env
  if (!id && !secret) return undefined
  if (!id || !secret)
    throw new Complaint(
      'a service token of Cloudflare Access has two halves',
      'Set GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET, or neither',
    )
  return { id, secret }
}

function readAdminFile(file: string): Partial<z.infer<typeof Admin>> {
  try {
    return Admin.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new Complaint(`${file} cannot be read`, 'A gate that starts (npm start) writes it anew')
  }
}

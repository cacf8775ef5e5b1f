import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Complaint } from './complaint.ts'

const GateUrl = z.url({ protocol: /^https?$/ }).transform(url => url.replace(/\/+$/, ''))
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
  const found = env.GATE_URL && env.GATE_ADMIN_TOKEN ? undefined : files.find(existsSync)
  const local = found === undefined ? {} : readAdminFile(found)
  const url = env.GATE_URL || local.url
  const token = env.GATE_ADMIN_TOKEN || (env.GATE_URL && env.GATE_URL !== local.url ? undefined : local.token)
  if (!url || !token)
    throw new Complaint(
      !url ? 'which gate? There is no GATE_URL, and no gate of this folder' : 'there is no GATE_ADMIN_TOKEN',
      `Set GATE_URL and GATE_ADMIN_TOKEN, or start a gate here (npm start), which writes ${files[0]}`,
    )
  const parsed = Admin.safeParse({ url, token })
  if (!parsed.success) throw new Complaint(`GATE_URL is not an http:// or https:// URL: ${url}`)
  return { ...parsed.data, access: serviceToken(env) }
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

import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { CliError } from './errors.ts'

/** Normalized, so that two spellings of a URL compare as equal. */
const GateUrl = z.url({ protocol: /^https?$/ }).transform(url => new URL(url).href.replace(/\/+$/, ''))
const AdminFile = z.object({ url: GateUrl, token: z.string().min(1) })

/** The gate's URL, and the credentials for its API. */
export interface Settings extends z.infer<typeof AdminFile> {
  /** A Cloudflare Access service token. */
  readonly access?: { readonly id: string; readonly secret: string } | undefined
}

/**
 * Reads GATE_URL and GATE_ADMIN_TOKEN from the environment, or from the file that a local gate writes,
 * `${GATE_HOME:-.git-gate}/admin.json`, relative to the working directory or to the package. Reads the
 * Cloudflare Access service token from GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET.
 */
export function findSettings(env: NodeJS.ProcessEnv, cwd: string): Settings {
  const home = env.GATE_HOME || '.git-gate'
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  const folders = isAbsolute(home) ? [home] : [resolve(cwd, home), resolve(root, home)]
  const files = folders.map(place => join(place, 'admin.json'))
  const urlSetting = env.GATE_URL ? parseGateUrl(env.GATE_URL) : undefined
  const adminFile = urlSetting && env.GATE_ADMIN_TOKEN ? undefined : files.find(existsSync)
  const local = adminFile === undefined ? {} : readAdminFile(adminFile)
  const url = urlSetting ?? local.url
  const token = env.GATE_ADMIN_TOKEN || (url === local.url ? local.token : undefined)
  if (!url || !token)
    throw new CliError(
      !url ? 'GATE_URL is not set, and there is no local gate in this folder' : 'GATE_ADMIN_TOKEN is not set',
      `Set GATE_URL and GATE_ADMIN_TOKEN, or start a gate here (npm start), which writes ${files[0]}`,
    )
  return { url, token: assertHeaderSafe(token), access: serviceToken(env) }
}

/** Throws unless a header can carry the token; the error of fetch would print it. */
function assertHeaderSafe(text: string): string {
  const token = text.trim()
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new CliError(
    'GATE_ADMIN_TOKEN contains spaces or characters that no token has',
    'Set it to an admin token, on one line',
  )
}

function parseGateUrl(text: string): string {
  const parsed = GateUrl.safeParse(text)
  if (!parsed.success) throw new CliError(`GATE_URL is not an http:// or https:// URL: ${text}`)
  return parsed.data
}

function serviceToken(env: NodeJS.ProcessEnv): Settings['access'] {
  const { GATE_ACCESS_CLIENT_ID: id, GATE_ACCESS_CLIENT_SECRET: secret } = env
  if (!id && !secret) return undefined
  if (!id || !secret)
    throw new CliError(
      'a Cloudflare Access service token needs an id and a secret',
      'Set GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET, or neither',
    )
  return { id, secret }
}

function readAdminFile(file: string): Partial<z.infer<typeof AdminFile>> {
  try {
    return AdminFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new CliError(`${file} cannot be read`, 'Start the gate (npm start) to write it again')
  }
}

import fs from 'node:fs'
import path from 'node:path'
import type { Gate } from '../gate.ts'

/** The arguments and environment of every process that this user may read. */
export function listProcesses(): string[] {
  const text = (file: string) => {
    try {
      return fs.readFileSync(file, 'latin1')
    } catch {
      return ''
    }
  }
  return fs
    .readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => `${text(`/proc/${pid}/cmdline`)}\0${text(`/proc/${pid}/environ`)}`)
}

const ROUTES = [
  ...[
    '/repositories',
    '/credentials',
    '/audit-log',
    '/pushes',
    '/export/pushes',
    '/status',
    '/host-calls',
  ].map(route => `/-/api/v1${route}`),
  '/-/metrics',
]

/**
 * Returns the places that hold any form of a credential: the given processes, the log, the API, metrics, and every file of
 * the gate (ledger, journal, mirrors), but the folder in which the companion keeps credentials.
 */
export async function placesOfSecret(
  gate: Gate,
  forms: readonly string[],
  processes: readonly string[],
): Promise<string[]> {
  const texts = new Map<string, string>([
    ['processes', processes.join('\n')],
    ['log', gate.log.join('\n')],
    ...filesIn(gate.home)
      .filter(file => !file.includes('/companion/credentials/'))
      .map(file => [file, fs.readFileSync(file, 'latin1')] as const),
  ])
  for (const route of ROUTES) texts.set(route, await read(gate, route))
  return [...texts].flatMap(([place, text]) => (forms.some(form => text.includes(form)) ? [place] : []))
}

async function read(gate: Gate, route: string): Promise<string> {
  const response = await fetch(gate.url + route, { headers: { authorization: `Bearer ${gate.adminToken}` } })
  if (!response.ok) throw new Error(`${route}: ${response.status}`)
  return response.text()
}

const filesIn = (folder: string): string[] =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.join(entry.parentPath, entry.name))

import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import ipaddr from 'ipaddr.js'
import { descendantsOf } from '../../local/process/processes.ts'

/** A socket that listens or receives datagrams, with its program. */
export interface Listener {
  readonly kind: 'tcp' | 'udp' | 'unix'
  /** `address:port`, or the path of a Unix socket. */
  readonly at: string
  readonly pid: number
  /** The program's name, and for Node the script that it runs. */
  readonly program: string
}

/** Returns whether this machine has [::1]. */
export const hasIPv6 = Object.values(os.networkInterfaces()).some(addresses =>
  addresses?.some(({ address }) => address === '::1'),
)

/** Lists the listening sockets of a process and its descendants, from /proc (proc_pid_net(5)). */
export function listenersOf(root: number): Listener[] {
  const pids = [root, ...descendantsOf(root).map(each => each.pid)]
  return pids.flatMap(pid => {
    const inodes = socketsOf(pid)
    return [...tcp(pid, inodes), ...udp(pid, inodes), ...unix(pid, inodes)].map(each => ({
      ...each,
      pid,
      program: programOf(pid),
    }))
  })
}

/** Returns the inodes of a process's sockets. */
function socketsOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`
  const links = names(folder).map(fd => link(path.join(folder, fd)))
  return new Set(links.flatMap(to => /^socket:\[(\d+)\]$/.exec(to)?.[1] ?? []))
}

type Found = Pick<Listener, 'kind' | 'at'>

/** Reads a table of /proc/PID/net: local address, state and inode. */
const inetRows = (pid: number, table: string) =>
  rows(`/proc/${pid}/net/${table}`).map(([, local = '', , state = '', , , , , , inode = '']) => ({
    local,
    state,
    inode,
  }))

const LISTEN = '0A'

const tcp = (pid: number, inodes: Set<string>): Found[] =>
  ['tcp', 'tcp6']
    .flatMap(table => inetRows(pid, table))
    .filter(({ state, inode }) => state === LISTEN && inodes.has(inode))
    .map(({ local }) => ({ kind: 'tcp', at: addressOf(local) }))

const udp = (pid: number, inodes: Set<string>): Found[] =>
  ['udp', 'udp6']
    .flatMap(table => inetRows(pid, table))
    .filter(({ inode }) => inodes.has(inode))
    .map(({ local }) => ({ kind: 'udp', at: addressOf(local) }))

/** __SO_ACCEPTCON in the column Flags. */
const ACCEPTS = 0x10000

const unix = (pid: number, inodes: Set<string>): Found[] =>
  rows(`/proc/${pid}/net/unix`)
    .filter(([, , , flags = '', , , inode = '']) => inodes.has(inode) && Number.parseInt(flags, 16) & ACCEPTS)
    .map(([, , , , , , , at = '']) => ({ kind: 'unix', at }))

/** Parses `0100007F:1F90` as 127.0.0.1:8080: each 32-bit word is in the machine's byte order. */
function addressOf(local: string): string {
  const [address = '', port = ''] = local.split(':')
  const bytes = (address.match(/.{8}/g) ?? []).flatMap(word =>
    (word.match(/../g) ?? []).reverse().map(byte => Number.parseInt(byte, 16)),
  )
  const host = ipaddr.fromByteArray(bytes).toString()
  return `${bytes.length === 4 ? host : `[${host}]`}:${Number.parseInt(port, 16)}`
}

function programOf(pid: number): string {
  const [program = '', ...args] = read(`/proc/${pid}/cmdline`).split('\0')
  const script = args.find(argument => /\.(ts|m?js)$/.test(argument))
  return [path.basename(program), ...(script ? [path.basename(script)] : [])].join(' ')
}

/** Lists the files and folders below a folder, with their permissions. */
export function filesBelow(folder: string): { readonly name: string; readonly mode: number }[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .flatMap(name => {
      const stat = fs.lstatSync(path.join(folder, name), { throwIfNoEntry: false })
      return stat ? [{ name, stat }] : []
    })
    .map(({ name, stat }) => ({ name, mode: stat.isSymbolicLink() ? 0 : stat.mode & 0o7777 }))
}

/** Returns a server's first bytes, or its status for an HTTP request. */
export async function greetingOf(at: string): Promise<string> {
  const [host = '', port = ''] = at.split(':')
  const socket = net.connect(Number(port), host)
  try {
    const said = await new Promise<string | undefined>((resolve, reject) => {
      socket.once('data', chunk => resolve(String(chunk)))
      socket.once('error', reject)
      socket.setTimeout(1_000, () => resolve(undefined))
    })
    return said?.split('\r\n')[0] ?? (await statusOf(host, Number(port)))
  } finally {
    socket.destroy()
  }
}

const statusOf = (host: string, port: number) =>
  new Promise<string>(resolve => {
    http
      .get({ host, port, path: '/core/do-storage/x', agent: false }, response => {
        response.resume()
        resolve(`HTTP ${response.statusCode}`)
      })
      .once('error', () => resolve('no HTTP'))
  })

const rows = (file: string) =>
  read(file)
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))

const names = (folder: string) => attempt(() => fs.readdirSync(folder), [])
const link = (file: string) => attempt(() => fs.readlinkSync(file), '')
const read = (file: string) => attempt(() => fs.readFileSync(file, 'utf8'), '')

/** Returns `otherwise` if `look` throws: a process may end while its files are read. */
function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look()
  } catch {
    return otherwise
  }
}

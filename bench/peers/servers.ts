import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { killTree } from '../../local/process/processes.ts'
import { freePort } from '../../test/harness/network/free-port.ts'
import { until } from '../../test/harness/until.ts'
import { onPath } from './on-path.ts'

/** A git server over a folder of bare repositories, without any checks. */
export interface Peer extends AsyncDisposable {
  readonly name: string
  /** The ids of the processes that it was started as. */
  readonly processes: readonly number[]
  /** Returns the URL of the repository `<folder>/<name>.git`. */
  urlOf(name: string): string
}

/** Starts nginx, fcgiwrap and http-backend, as in the example of git-http-backend(1). */
export async function startNginx(repositories: string, dir: string): Promise<Peer | undefined> {
  const [nginx, fcgiwrap] = [onPath('nginx'), onPath('fcgiwrap')]
  if (!nginx || !fcgiwrap) return undefined
  fs.mkdirSync(dir, { recursive: true })
  const port = await freePort()
  const socket = path.join(dir, 'cgi')
  const execPath = execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim()
  const config = path.join(dir, 'nginx.conf')
  fs.writeFileSync(
    config,
    `daemon off; pid ${dir}/pid; error_log ${dir}/error.log; worker_processes 2;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 512; }
http {
  access_log off; client_body_temp_path ${dir}/body; fastcgi_temp_path ${dir}/fastcgi; proxy_temp_path ${dir}/proxy;
  uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi; client_max_body_size 0;
  server {
    listen 127.0.0.1:${port};
    location ~ ^(/.*)$ {
      fastcgi_pass unix:${socket}; fastcgi_buffering off; fastcgi_request_buffering off; fastcgi_read_timeout 600;
      fastcgi_param SCRIPT_FILENAME ${execPath}/git-http-backend;
      fastcgi_param GIT_PROJECT_ROOT ${repositories}; fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param PATH_INFO $1; fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type; fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
      fastcgi_param GIT_PROTOCOL $http_git_protocol; fastcgi_param REMOTE_USER bench; fastcgi_param REMOTE_ADDR $remote_addr;
    }
  }
}
`,
  )
  const cgi = run(fcgiwrap, ['-f', '-c', '8', '-s', `unix:${socket}`])
  await until(
    () => fs.existsSync(socket) || undefined,
    5_000,
    () => 'fcgiwrap does not start',
  )
  const web = run(nginx, ['-c', config, '-e', path.join(dir, 'error.log')])
  await answering(port)
  return {
    name: 'nginx + fcgiwrap',
    processes: [...web.processes, ...cgi.processes],
    urlOf: name => `http://127.0.0.1:${port}/${name}.git`,
    async [Symbol.asyncDispose]() {
      await Promise.all([web.stop(), cgi.stop()])
    },
  }
}

/** Starts git-daemon(1), which has neither authentication nor encryption. */
export async function startGitDaemon(repositories: string): Promise<Peer> {
  const port = await freePort()
  const daemon = run('git', [
    'daemon',
    '--listen=127.0.0.1',
    `--port=${port}`,
    `--base-path=${repositories}`,
    '--export-all',
    '--enable=receive-pack',
    '--reuseaddr',
    '--max-connections=0',
    repositories,
  ])
  await answering(port)
  return {
    name: 'git daemon',
    processes: daemon.processes,
    urlOf: name => `git://127.0.0.1:${port}/${name}.git`,
    [Symbol.asyncDispose]: daemon.stop,
  }
}

function run(program: string, args: readonly string[]) {
  const child = spawn(program, args, {
    // The probes of `answering` close at once, and the servers would log an error for each.
    stdio: 'ignore',
    detached: true,
    env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', HOME: '/nonexistent' },
  })
  const ended = once(child, 'close')
  return {
    processes: child.pid === undefined ? [] : [child.pid],
    async stop() {
      if (child.pid !== undefined) killTree(child.pid)
      await ended
    },
  }
}

const answering = (port: number) =>
  until(
    () =>
      new Promise<true | undefined>(resolve => {
        const socket = net.connect(port, '127.0.0.1')
        socket.once('connect', () => resolve(true)).once('error', () => resolve(undefined))
        socket.once('connect', () => socket.destroy())
      }),
    5_000,
    () => `nothing listens on port ${port}`,
  )

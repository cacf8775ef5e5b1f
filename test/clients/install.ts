import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { projectRoot } from '../../local/worker/bundle.ts'

/** A client: how it is installed, and the command that runs its program. */
export interface Client {
  readonly name: string
  readonly version: string
  /** The programs that must be on PATH. */
  readonly needs: readonly string[]
  /** Installs the client into a folder, and returns its command. */
  install(folder: string): Promise<readonly string[]>
}

const run = promisify(execFile)
const program = (name: string) => path.join(import.meta.dirname, 'programs', name)
const INSTALL_MS = 20 * 60_000

async function sh(folder: string, command: string, ...args: readonly string[]): Promise<void> {
  await run(command, args, { cwd: folder, timeout: INSTALL_MS, maxBuffer: 64 << 20 })
}

const python = (name: string, version: string): Client => ({
  name,
  version,
  needs: ['python3'],
  async install(folder) {
    await sh(folder, 'python3', '-m', 'venv', 'venv')
    await sh(folder, 'venv/bin/pip', 'install', '--quiet', `${name}==${version}`)
    return [path.join(folder, 'venv/bin/python'), program('python.py'), name]
  },
})

const node = (name: string, version: string): Client => ({
  name,
  version,
  needs: ['npm'],
  async install(folder) {
    fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}')
    await sh(folder, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${version}`)
    // A module is looked up from the folder of the program that imports it.
    fs.copyFileSync(program(`${name}.mjs`), path.join(folder, 'client.mjs'))
    return [process.execPath, path.join(folder, 'client.mjs')]
  },
})

const goGit: Client = {
  name: 'go-git',
  version: '5.19.3',
  needs: ['go'],
  async install(folder) {
    fs.copyFileSync(program('go-git.go'), path.join(folder, 'main.go'))
    if (!fs.existsSync(path.join(folder, 'go.mod'))) await sh(folder, 'go', 'mod', 'init', 'clients')
    await sh(folder, 'go', 'get', `github.com/go-git/go-git/v5@v${this.version}`)
    await sh(folder, 'go', 'build', '-o', 'client', '.')
    return [path.join(folder, 'client')]
  },
}

const jgit: Client = {
  name: 'JGit',
  version: '7.3.0.202506031305-r',
  needs: ['java', 'mvn'],
  async install(folder) {
    const dependency = (group: string, name: string, version: string) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
    fs.writeFileSync(
      path.join(folder, 'pom.xml'),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>clients</groupId><artifactId>clients</artifactId><version>0</version><dependencies>
${dependency('org.eclipse.jgit', 'org.eclipse.jgit', this.version)}
${dependency('org.slf4j', 'slf4j-nop', '2.0.17')}
</dependencies></project>`,
    )
    await sh(folder, 'mvn', '-q', '-B', 'dependency:build-classpath', '-Dmdep.outputFile=classpath')
    const classpath = fs.readFileSync(path.join(folder, 'classpath'), 'utf8')
    return ['java', '-cp', classpath, program('JGit.java')]
  },
}

export const clients: readonly Client[] = [
  jgit,
  goGit,
  python('pygit2', '1.21.0'),
  python('dulwich', '1.2.21'),
  python('GitPython', '3.2.1'),
  node('isomorphic-git', '1.44.19'),
  node('simple-git', '4.0.2'),
]

/** Returns a client's command, or why it is skipped. */
export async function prepare(client: Client): Promise<{ command: readonly string[] } | { skipped: string }> {
  const missing = client.needs.find(name => !isOnPath(name))
  if (missing) return { skipped: `${missing} is not installed` }
  const folder = path.join(projectRoot, '.cache/clients', client.name)
  fs.mkdirSync(folder, { recursive: true })
  try {
    return { command: await client.install(folder) }
  } catch (error) {
    const words = error instanceof Error ? error.message.split('\n').slice(0, 3).join(' ') : String(error)
    return { skipped: `it could not be installed: ${words.slice(0, 300)}` }
  }
}

const isOnPath = (name: string) =>
  (process.env.PATH ?? '').split(':').some(folder => fs.existsSync(path.join(folder, name)))

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { projectRoot } from '../../local/worker/bundle.ts'
import { gitleaks } from '../bench-fixture.ts'
import { onPath } from '../peers/on-path.ts'

/** Describes the machine and the versions of the measured programs, a fact per line. */
export function machine(): string[] {
  const version = (program: string, ...args: string[]) => firstLine(program, args)
  const pinned = (name: string): string =>
    JSON.parse(fs.readFileSync(path.join(projectRoot, 'node_modules', name, 'package.json'), 'utf8')).version
  const nginx = onPath('nginx')
  return [
    `${os.cpus().length} × ${os.cpus()[0]?.model}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}`,
    `Node ${process.version}, workerd ${pinned('workerd')}, ${version('git', '--version')}, gitleaks ${version(gitleaks, 'version')}`,
    `${version('ssh', '-V')}${nginx ? `, ${version(nginx, '-v').replace('nginx version: ', '')}` : ''}`,
  ]
}

function firstLine(program: string, args: readonly string[]): string {
  const output = execFileSync('sh', ['-c', '"$0" "$@" 2>&1', program, ...args], { encoding: 'utf8' })
  return output.split('\n')[0]?.trim() ?? ''
}

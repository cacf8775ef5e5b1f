import type { Command } from 'commander'
import { program } from '../program.ts'

/** Returns the manual page of git gate in man(7)'s macros: `git gate --help` shows it. */
function manPage(): string {
  const lines = [
    '.TH GIT-GATE 1 "" "git-gate" "git-gate Manual"',
    '.SH NAME',
    `git-gate \\- ${roff(program.description())}`,
    '.SH SYNOPSIS',
    '.B git gate',
    '.I command',
    '[options]',
    '.SH COMMANDS',
    ...program.commands.flatMap(command => describe(command, 'git gate')),
    '.SH ENVIRONMENT',
    'GATE_URL and GATE_ADMIN_TOKEN name the gate and authenticate the operator. For a local gate both are read from',
    'GATE_HOME (.git-gate). Behind Cloudflare Access, also set GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET.',
    '.SH EXIT STATUS',
    '0: done. 1: refused by the gate, unreachable, or a check failed. 2: an invalid command line.',
  ]
  return `${lines.join('\n')}\n`
}

function describe(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`
  if (command.commands.length > 0) return command.commands.flatMap(each => describe(each, name))
  const words = command.registeredArguments.map(argument => {
    const text = `${argument.name()}${argument.variadic ? '...' : ''}`
    return argument.required ? `<${text}>` : `[${text}]`
  })
  return [
    '.TP',
    `.B ${roff([name, ...words].join(' '))}`,
    roff(command.description()),
    ...command.options.flatMap(option => [
      '.RS',
      '.TP',
      `.B ${roff(option.flags)}`,
      roff(option.description),
      '.RE',
    ]),
  ]
}

const roff = (text: string) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')

if (import.meta.main) process.stdout.write(manPage())

import type { Command } from 'commander'

/** The fields of the API whose option has another name, as commander has it. */
const OPTIONS: Readonly<Record<string, string>> = {
  denyPaths: 'denyPath',
  emails: 'email',
  expiresAt: 'expires',
  privateKey: 'from',
  publicKey: 'public',
  'app.id': 'githubApp',
}

/** A field at the beginning of a message: `denyPaths.0: `. */
const FIELD = /^([A-Za-z]+(?:\.\w+)*): /

/**
 * Returns the message about an invalid field with the name of the command's option, and its value, or of its argument:
 * `--deny-path '/ci': …` for `denyPaths.0: …`. A message about another field stays.
 */
export function withOptionName(message: string, command: Command): string {
  const [start = '', field] = FIELD.exec(message) ?? []
  const name = field && (optionWithValue(command, field) ?? argumentOf(command, field))
  return name ? `${name}: ${message.slice(start.length)}` : message
}

function optionWithValue(command: Command, field: string): string | undefined {
  const path = field.split('.')
  const names = [OPTIONS[field], ...path.filter(part => !/^\d+$/.test(part)).toReversed()]
  for (const name of names) {
    const attribute = name && (OPTIONS[name] ?? name)
    const option = command.options.find(each => each.attributeName() === attribute && !each.negate)
    if (option === undefined) continue
    const optionValue: unknown = command.opts()[option.attributeName()]
    const value = Array.isArray(optionValue) ? optionValue[Number(path.at(-1))] : optionValue
    return typeof value === 'string' ? `${option.long} '${value.slice(0, 200)}'` : option.long
  }
  return undefined
}

/** Returns the argument that a field is given by. The first argument names the resource itself. */
function argumentOf(command: Command, field: string): string | undefined {
  const names = command.registeredArguments.map(argument => argument.name())
  const name = field === 'name' ? names[0] : names.find(each => each === field)
  return name && `<${name}>`
}

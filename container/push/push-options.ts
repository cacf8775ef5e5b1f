import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { allowsPushOption } from '../../src/contract/grant.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import { messageText } from '../git/command-list.ts'
import { pushRefusal } from './verdict.ts'

/** The options of a pull request: `git push -o pr`, `pr.title=…`. They are the gate's own, and never forwarded. */
export interface PullRequestOptions {
  readonly title: string | undefined
  readonly body: string | undefined
  readonly base: string | undefined
  readonly isDraft: boolean
}

const OWN = /^pr(?:[.=]|$)/
const isOwnOption = (option: string): boolean => OWN.test(option)

/** The options that the gate forwards to the upstream, if the grant allows them. */
export const forwardedOptions = (options: readonly string[]): string[] =>
  options.filter(option => !isOwnOption(option))

/** Limits of a pull request's text, in characters. GitHub and Gitea take titles of 255. */
export const MAX_TITLE = 250
export const MAX_BODY = 60_000

/**
 * Reads the options of a pull request. Returns undefined if the push asks for none. A line break in a body is
 * written `\n`, since a push option has none, or by giving `pr.body` again.
 */
export function readPullRequestOptions(
  options: readonly string[],
): { ok: true; wanted: PullRequestOptions } | { ok: false; reason: string } | undefined {
  const own = options.filter(isOwnOption)
  if (own.length === 0) return undefined
  let title: string | undefined
  let base: string | undefined
  let isDraft = false
  const body: string[] = []
  for (const option of own) {
    const [name, value] = splitOption(option)
    if (name === 'pr' && value === undefined) continue
    if (name === 'pr.draft' && value === undefined) isDraft = true
    else if (name === 'pr.title' && value?.trim()) title = value.trim()
    else if (name === 'pr.base' && value) base = value.replace(/^refs\/heads\//, '')
    else if (name === 'pr.body' && value !== undefined) body.push(value.replaceAll('\\n', '\n'))
    else return { ok: false, reason: `the push option ${messageText(name)} is not one of a pull request` }
  }
  if (title !== undefined && title.length > MAX_TITLE)
    return { ok: false, reason: `pr.title is longer than ${MAX_TITLE} characters` }
  if (body.join('\n').length > MAX_BODY)
    return { ok: false, reason: `pr.body is longer than ${MAX_BODY} characters` }
  return { ok: true, wanted: { title, body: body.length ? body.join('\n') : undefined, base, isDraft } }
}

function splitOption(option: string): [name: string, value: string | undefined] {
  const separator = option.indexOf('=')
  return separator < 0 ? [option, undefined] : [option.slice(0, separator), option.slice(separator + 1)]
}

/** Limit of the refused options that a refusal names. */
const MAX_NAMED = 5

/**
 * Refuses push options that the grant does not allow: a host acts on an option that nothing in the push shows,
 * such as `ci.skip`. Returns undefined if the grant allows them all.
 */
export function refusePushOptions(
  options: readonly string[],
  { agent, terms }: Pick<PassFor<'git-receive-pack'>, 'agent' | 'terms'>,
): Refusal | undefined {
  const refused = forwardedOptions(options).filter(option => !allowsPushOption(terms, option))
  if (refused.length === 0) return undefined
  const names = [...new Set(refused.map(nameOf))]
  const shown = names.slice(0, MAX_NAMED).join(', ')
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : ''
  return pushRefusal(
    `${agent} may not pass the push option${names.length === 1 ? '' : 's'} ${shown}${more}`,
    [`push again without ${names.length === 1 ? 'it' : 'them'}, or ask an operator to allow ${shown}`],
    [`allowed push options: ${terms.pushOptions.join(', ') || 'none'}`],
  )
}

/** Returns the name of an option. Its value is text that no scan has read. */
const nameOf = (option: string) => messageText(splitOption(option)[0]) || '(empty)'

import { z } from 'zod'
import { ASK_SYNTAX, formatAsk, parseAsk } from '../../contract/ask-text.ts'
import { Action, type AskRule, formatRule, type GrantTerms, type Rule } from '../../contract/grant.ts'
import { HostApiAccess } from '../../contract/hosts/host-call.ts'
import { checkbox, multiline } from './form-values.ts'

/** The values of a grant form; lists are lines of text. */
export const GrantForm = z.object({
  rules: multiline,
  pushOptions: multiline,
  pullRequests: multiline,
  hostApi: HostApiAccess.default('none').catch('none'),
  denyPaths: multiline,
  ask: multiline,
  symlinks: checkbox,
  submodules: checkbox,
  emails: multiline,
  allowedSigners: multiline,
  maxBlobBytes: multiline,
})
export type GrantForm = z.infer<typeof GrantForm>

/** Converts a grant's terms to form values. */
export const toForm = (terms: GrantTerms): GrantForm => ({
  ...terms,
  rules: terms.rules.flatMap(formatRule).join('\n'),
  pushOptions: terms.pushOptions.join('\n'),
  pullRequests: terms.pullRequests.join('\n'),
  denyPaths: terms.denyPaths.join('\n'),
  ask: terms.ask.map(formatAsk).join('\n'),
  emails: terms.emails.join('\n'),
  maxBlobBytes: terms.maxBlobBytes === undefined ? '' : String(terms.maxBlobBytes),
})

/** Parses form values into terms, which the admin API validates. Fails on the first rule that it cannot parse. */
export function parseTerms(
  form: GrantForm,
): { ok: true; terms: z.input<typeof GrantTerms> } | { ok: false; message: string; fix: string } {
  const rules: Rule[] = []
  for (const line of nonEmptyLines(form.rules)) {
    const rule = parseRule(line)
    if (!rule) return { ok: false, message: `invalid rule: ${line}`, fix: RULE_FIX }
    const last = rules.at(-1)
    // The form shows a rule that denies and allows as two lines.
    if (last?.pattern === rule.pattern && last.allow.length === 0 && rule.deny.length === 0)
      rules[rules.length - 1] = { ...last, allow: rule.allow }
    else rules.push(rule)
  }
  const askRules: AskRule[] = []
  for (const line of nonEmptyLines(form.ask)) {
    const read = parseAsk(line)
    if (!read.ok) return { ok: false, message: read.problem, fix: `Write ${ASK_SYNTAX}` }
    askRules.push(read.rule)
  }
  const { maxBlobBytes, ...rest } = form
  const maxBytes = maxBlobBytes.trim()
  return {
    ok: true,
    terms: {
      ...rest,
      rules,
      pushOptions: nonEmptyLines(form.pushOptions),
      pullRequests: nonEmptyLines(form.pullRequests),
      denyPaths: nonEmptyLines(form.denyPaths),
      ask: askRules,
      emails: nonEmptyLines(form.emails),
      ...(maxBytes === '' ? {} : { maxBlobBytes: Number(maxBytes) }),
    },
  }
}

const RULE_FIX = `Write a pattern, then the allowed actions, or not and the denied actions: ${Action.options.join(', ')}
refs/heads/{agent}/**: create, update
refs/heads/main: not force, delete`

const nonEmptyLines = (lines: string) => lines.split('\n').filter(line => line.trim() !== '')

/** Parses `refs/heads/main: not force, delete`; a name without `refs/` is a branch. */
function parseRule(line: string): Rule | undefined {
  const [, name = '', not, actionList = ''] = /^\s*(\S+):\s+(not\s+)?(.+)$/.exec(line) ?? []
  const actions = z
    .array(Action)
    .min(1)
    .safeParse(actionList.trim().split(/\s*,\s*|\s+/))
  if (!actions.success) return undefined
  const pattern = name.startsWith('refs/') ? name : `refs/heads/${name}`
  return not ? { pattern, allow: [], deny: actions.data } : { pattern, allow: actions.data, deny: [] }
}

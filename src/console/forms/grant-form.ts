import { z } from 'zod'
import { Action, type Rule, type Terms } from '../../contract/grant.ts'
import { sentLines, sentTick } from './form-values.ts'

/** A grant's terms as the form has them: lists as lines of text. */
export const TermsForm = z.object({
  rules: sentLines,
  pushOptions: sentTick,
  denyPaths: sentLines,
  symlinks: sentTick,
  submodules: sentTick,
  emails: sentLines,
  allowedSigners: sentLines,
  maxBlobBytes: sentLines,
})
export type TermsForm = z.infer<typeof TermsForm>

/** A grant's terms, to be changed in the form. */
export const formOf = (terms: Terms): TermsForm => ({
  ...terms,
  rules: linesOf(terms.rules).join('\n'),
  denyPaths: terms.denyPaths.join('\n'),
  emails: terms.emails.join('\n'),
  maxBlobBytes: terms.maxBlobBytes === undefined ? '' : String(terms.maxBlobBytes),
})

/** The terms that the form says, for the admin API to check; or what in it cannot be read. */
export function termsIn(
  form: TermsForm,
): { ok: true; terms: z.input<typeof Terms> } | { ok: false; message: string; fix: string } {
  const rules: Rule[] = []
  for (const line of linesIn(form.rules)) {
    const rule = ruleIn(line)
    if (!rule) return { ok: false, message: `the rule cannot be read: ${line}`, fix: RULE_FIX }
    const last = rules.at(-1)
    // A rule that denies and allows is shown as two lines, and is one again.
    if (last?.pattern === rule.pattern && last.allow.length === 0 && rule.deny.length === 0)
      rules[rules.length - 1] = { ...last, allow: rule.allow }
    else rules.push(rule)
  }
  const { maxBlobBytes, ...rest } = form
  const most = maxBlobBytes.trim()
  return {
    ok: true,
    terms: {
      ...rest,
      rules,
      denyPaths: linesIn(form.denyPaths),
      emails: linesIn(form.emails),
      ...(most === '' ? {} : { maxBlobBytes: Number(most) }),
    },
  }
}

const RULE_FIX = `Write a pattern, then what is allowed or not: ${Action.options.join(', ')}
refs/heads/{agent}/**: create, update
refs/heads/main: not force, delete`

const linesIn = (lines: string) => lines.split('\n').filter(line => line.trim() !== '')

const linesOf = (rules: readonly Rule[]) =>
  rules.flatMap(({ pattern, allow, deny }) => [
    ...(deny.length ? [`${pattern}: not ${deny.join(', ')}`] : []),
    ...(allow.length ? [`${pattern}: ${allow.join(', ')}`] : []),
  ])

/** `refs/heads/main: not force, delete`; a name without `refs/` is a branch's. */
function ruleIn(line: string): Rule | undefined {
  const [, written = '', not, words = ''] = /^\s*(\S+):\s+(not\s+)?(.+)$/.exec(line) ?? []
  const actions = z
    .array(Action)
    .min(1)
    .safeParse(words.trim().split(/\s*,\s*|\s+/))
  if (!actions.success) return undefined
  const pattern = written.startsWith('refs/') ? written : `refs/heads/${written}`
  return not ? { pattern, allow: [], deny: actions.data } : { pattern, allow: actions.data, deny: [] }
}

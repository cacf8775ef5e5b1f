import { z } from 'zod'
import { type Action, Rule, Terms } from '../src/contract/grant.ts'
import { UsageComplaint } from './errors.ts'

const patterns = z.array(z.string(), 'a list is wanted, such as [main]').default([])

/** A grant as people write it, on the command line and in a file for `apply`. */
export const Wishes = z.strictObject({
  /** Reading alone is asked for. */
  read: z.boolean().default(false),
  push: patterns,
  force: patterns,
  delete: patterns,
  deny: patterns,
  tags: patterns,
  pushOptions: Terms.shape.pushOptions,
  denyPaths: Terms.shape.denyPaths,
  emails: Terms.shape.emails,
  allowedSigners: Terms.shape.allowedSigners,
  symlinks: Terms.shape.symlinks,
  submodules: Terms.shape.submodules,
  maxBlobBytes: Terms.shape.maxBlobBytes,
})
export type Wishes = z.infer<typeof Wishes>

/** An agent's own branches, with everything: what a new agent can sensibly have. */
export const ownBranches: z.input<typeof Wishes> = {
  push: ['{agent}/**'],
  force: ['{agent}/**'],
  delete: ['{agent}/**'],
}

/** The terms of a grant from wishes and further rules; what is denied comes first, so that it holds. */
export function termsOf(wishes: z.input<typeof Wishes>, further: readonly Rule[] = []): Terms {
  const { read, push, force, delete: remove, deny, tags, ...rest } = valid(Wishes, wishes)
  const allowed = new Map<string, Action[]>()
  const allow = (pattern: string, ...actions: Action[]) =>
    allowed.set(pattern, [...new Set([...(allowed.get(pattern) ?? []), ...actions])])
  for (const pattern of push) allow(full(pattern, 'heads'), 'create', 'update')
  for (const pattern of force) allow(full(pattern, 'heads'), 'force')
  for (const pattern of remove) allow(full(pattern, 'heads'), 'delete')
  for (const pattern of tags) allow(full(pattern, 'tags'), 'create')
  if (allowed.size === 0 && !read)
    throw new UsageComplaint(
      'a grant without --push lets the agent read only, and that is to be said',
      'Add --push PATTERN, or --read for reading alone',
    )
  const rules = [
    ...deny.map(pattern => ({
      pattern: full(pattern, 'heads'),
      deny: ['create', 'update', 'force', 'delete'] as const,
    })),
    ...[...allowed].map(([pattern, actions]) => ({ pattern, allow: actions })),
  ]
  for (const rule of rules) {
    const parsed = Rule.safeParse(rule)
    if (!parsed.success) throw new UsageComplaint(`${rule.pattern}: ${parsed.error.issues[0]?.message}`)
  }
  return valid(Terms, { ...rest, rules: [...rules, ...further] })
}

/** What the schema makes of a value; what it does not take is the user's to mend. */
function valid<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new UsageComplaint(`${issue?.path.join('.')}: ${issue?.message}`)
}

const full = (pattern: string, kind: 'heads' | 'tags') =>
  pattern.startsWith('refs/') ? pattern : `refs/${kind}/${pattern}`

/** The terms on one line, as a table shows them. */
export function summary(terms: Terms): string {
  const rules = terms.rules.map(rule =>
    [
      rule.pattern.replace(/^refs\/heads\//, ''),
      rule.allow.length ? `(${rule.allow.join(', ')})` : '',
      rule.deny.length ? `(not ${rule.deny.join(', ')})` : '',
    ]
      .filter(Boolean)
      .join(' '),
  )
  const limits = [
    ...(terms.denyPaths.length ? [`not ${terms.denyPaths.join(', ')}`] : []),
    ...(terms.symlinks ? [] : ['no symlinks']),
    ...(terms.submodules ? [] : ['no submodules']),
    ...(terms.emails.length ? [`as ${terms.emails.join(', ')}`] : []),
    ...(terms.allowedSigners ? ['signed'] : []),
    ...(terms.maxBlobBytes ? [`files to ${terms.maxBlobBytes} bytes`] : []),
    ...(terms.pushOptions ? ['push options'] : []),
  ]
  return [rules.length ? rules.join('; ') : 'read', ...limits].join('; ')
}

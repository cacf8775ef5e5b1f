import { z } from 'zod'
import { type Action, describeAsk, describeBases, GrantTerms, type Rule } from '../../src/contract/grant.ts'
import { RefPattern } from '../../src/contract/grant-patterns.ts'
import { UsageError } from '../errors.ts'

const patterns = z.array(z.string(), 'must be a list, such as [main]').default([])

/** A grant as options of the command line, or as an entry in a file for `apply`. */
export const GrantOptions = z.strictObject({
  /** The grant allows reading only. */
  read: z.boolean().default(false),
  push: patterns,
  force: patterns,
  delete: patterns,
  deny: patterns,
  tags: patterns,
  pushOptions: GrantTerms.shape.pushOptions,
  pullRequests: GrantTerms.shape.pullRequests,
  hostApi: GrantTerms.shape.hostApi,
  denyPaths: GrantTerms.shape.denyPaths,
  ask: GrantTerms.shape.ask,
  emails: GrantTerms.shape.emails,
  allowedSigners: GrantTerms.shape.allowedSigners,
  symlinks: GrantTerms.shape.symlinks,
  submodules: GrantTerms.shape.submodules,
  maxBlobBytes: GrantTerms.shape.maxBlobBytes,
})
export type GrantOptions = z.infer<typeof GrantOptions>

/** Every action on the agent's own branches, refs/heads/<agent>/**. */
export const ownBranches: z.input<typeof GrantOptions> = {
  push: ['{agent}/**'],
  force: ['{agent}/**'],
  delete: ['{agent}/**'],
}

/**
 * Converts options to the terms of a grant, followed by more rules. Denied patterns come first, because the
 * first matching rule decides.
 */
export function toTerms(options: z.input<typeof GrantOptions>, moreRules: readonly Rule[] = []): GrantTerms {
  const { read, push, force, delete: remove, deny, tags, ...rest } = parseOrUsageError(GrantOptions, options)
  const allowed = new Map<string, Action[]>()
  const allow = (patterns: string[], ...actions: Action[]) => {
    for (const pattern of patterns)
      allowed.set(pattern, [...new Set([...(allowed.get(pattern) ?? []), ...actions])])
  }
  allow(refPatterns('push', push), 'create', 'update')
  allow(refPatterns('force', force), 'force')
  allow(refPatterns('delete', remove), 'delete')
  allow(refPatterns('tags', tags), 'create')
  if (allowed.size === 0 && !read)
    throw new UsageError(
      'the grant allows no push; a read-only grant must say so',
      'Add --push PATTERN, or --read',
      'reads-only',
    )
  const rules = [
    ...refPatterns('deny', deny).map(pattern => ({
      pattern,
      deny: ['create', 'update', 'force', 'delete'] as const,
    })),
    ...[...allowed].map(([pattern, actions]) => ({ pattern, allow: actions })),
  ]
  return parseOrUsageError(GrantTerms, { ...rest, rules: [...rules, ...moreRules] })
}

/** Parses a value. Throws a UsageError with the first issue, and the path of the field below `at`. */
function parseOrUsageError<T extends z.ZodType>(
  schema: T,
  value: unknown,
  at: readonly PropertyKey[] = [],
): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path = [], message } = parsed.error.issues[0] ?? {}
  throw new UsageError(`${[...at, ...path].join('.')}: ${message}`, '', 'bad-request')
}

/** Parses the patterns of an option, or of the same field of a file. A pattern without refs/ names branches or tags. */
const refPatterns = (option: 'push' | 'force' | 'delete' | 'deny' | 'tags', patterns: readonly string[]) =>
  patterns.map((pattern, index) =>
    parseOrUsageError(
      RefPattern,
      pattern.startsWith('refs/') ? pattern : `refs/${option === 'tags' ? 'tags' : 'heads'}/${pattern}`,
      [option, index],
    ),
  )

/** Formats terms in one line, for tables. */
export function formatTerms(terms: GrantTerms): string {
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
    ...terms.ask.map(rule => `needs an approval: ${describeAsk(rule)}`),
    ...(terms.symlinks ? [] : ['no symlinks']),
    ...(terms.submodules ? [] : ['no submodules']),
    ...(terms.emails.length ? [`e-mail ${terms.emails.join(', ')}`] : []),
    ...(terms.allowedSigners ? ['signed'] : []),
    ...(terms.maxBlobBytes ? [`files up to ${terms.maxBlobBytes} bytes`] : []),
    ...(terms.pushOptions.length ? [`push options ${terms.pushOptions.join(', ')}`] : []),
    ...(terms.pullRequests.length ? [`pull requests into ${describeBases(terms)}`] : []),
    ...(terms.hostApi === 'none' ? [] : [`host API: ${terms.hostApi}`]),
  ]
  return [rules.length ? rules.join('; ') : 'read', ...limits].join('; ')
}

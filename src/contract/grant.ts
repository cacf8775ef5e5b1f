import { z } from 'zod'
import { AllowedSigners } from './allowed-signers.ts'
import { formatBytes } from './format-bytes.ts'
import { compileGlob } from './glob.ts'
import { AgentName, refNameProblem } from './names.ts'

/** What a push can do to one ref. `force` is an update that loses commits, or any move of a tag. */
export const Action = z.enum(['create', 'update', 'force', 'delete'])
export type Action = z.infer<typeof Action>

/** A pattern over full ref names, in git's glob meaning; `{agent}` stands for the agent's name. */
export const RefPattern = z
  .string()
  .min(1)
  .max(512)
  .regex(
    /^refs\/(heads|tags)\/\S+$/,
    'a ref pattern starts with refs/heads/ or refs/tags/, for example refs/heads/{agent}/**',
  )
  .refine(
    pattern => !/[{}]/.test(pattern.replaceAll('{agent}', '')),
    'the only variable of a ref pattern is {agent}',
  )

/** One line of a grant: on refs that match, these actions are allowed, those denied, the rest left to later rules. */
export const Rule = z.strictObject({
  pattern: RefPattern,
  allow: z.array(Action).default([]),
  deny: z.array(Action).default([]),
})
export type Rule = z.infer<typeof Rule>

/** What an agent may do in a repository. No rules: it may read. */
export const GrantTerms = z.strictObject({
  rules: z.array(Rule).max(200).default([]),
  /** May it pass `git push -o …` on to the upstream? */
  pushOptions: z.boolean().default(false),
  /** Globs of paths that a pushed commit must not touch, for example `.github/workflows/**`. */
  denyPaths: z.array(z.string().min(1).max(512)).max(200).default([]),
  /** May a pushed commit add or change symbolic links, and submodules? */
  symlinks: z.boolean().default(true),
  submodules: z.boolean().default(true),
  /** Globs that every author's and committer's e-mail address must match one of; none: any. */
  emails: z.array(z.string().min(1).max(256)).max(50).default([]),
  /** The keys of which one must have signed every new commit; empty: no signature asked for. */
  allowedSigners: AllowedSigners.default(''),
  /** The largest file it may push, in bytes; the gate's own limit stands above it. */
  maxBlobBytes: z.number().int().positive().optional(),
})
export type GrantTerms = z.infer<typeof GrantTerms>

export const Grant = z.object({ agent: AgentName, terms: GrantTerms })
export type Grant = z.infer<typeof Grant>

/** The rule that decides what this agent may do to this ref: the first that matches and speaks of the action. */
export const matchingRule = ({ agent, terms }: Grant, ref: string, action: Action): Rule | undefined =>
  terms.rules.find(
    rule =>
      (rule.allow.includes(action) || rule.deny.includes(action)) &&
      matchRef(rule.pattern.replaceAll('{agent}', agent), ref),
  )

/** May this agent do that to this ref? Where no rule decides: no. */
export function isAllowed(grant: Grant, ref: string, action: Action): boolean {
  const rule = matchingRule(grant, ref, action)
  return rule !== undefined && !rule.deny.includes(action)
}

/**
 * A branch or tag that the agent may create, named after a word: by the first pattern with a place for it. Undefined
 * where there is none.
 */
export function suggestRef(word: string, kind: 'heads' | 'tags', grant: Grant): string | undefined {
  for (const { pattern, allow } of grant.terms.rules) {
    if (!allow.includes('create') || !pattern.startsWith(`refs/${kind}/`) || !pattern.includes('*')) continue
    const ref = pattern
      .replaceAll('{agent}', grant.agent)
      .replace(/\*+/, word)
      .replaceAll(/\/?\*+/g, '')
      .replaceAll('?', 'x')
      .replaceAll(/\[([^\]!^[\\])[^\]]*\]/g, '$1')
    if (refNameProblem(ref) === undefined && isAllowed(grant, ref, 'create')) return ref
  }
  return undefined
}

/** Does git's glob match this ref? */
export function matchRef(pattern: string, ref: string): boolean {
  return compileGlob(pattern).test(ref)
}

/** The rules in words, one line a rule, as agents and people read them. */
export function formatRules(grant: Grant): string[] {
  return grant.terms.rules.flatMap(rule => {
    const pattern = rule.pattern.replaceAll('{agent}', grant.agent)
    return [
      ...(rule.deny.length ? [`${pattern}: not ${rule.deny.join(', ')}`] : []),
      ...(rule.allow.length ? [`${pattern}: ${rule.allow.join(', ')}`] : []),
    ]
  })
}

/** What else bounds a push, in words, one line a limit. */
export function formatLimits(terms: GrantTerms): string[] {
  return [
    ...(terms.denyPaths.length ? [`paths that a push must not touch: ${terms.denyPaths.join(', ')}`] : []),
    ...(terms.emails.length ? [`author and committer e-mail: ${terms.emails.join(', ')}`] : []),
    ...(terms.allowedSigners ? ['every commit must be signed by a key that the gate knows'] : []),
    ...(terms.symlinks ? [] : ['symbolic links: none']),
    ...(terms.submodules ? [] : ['submodules: none']),
    ...(terms.maxBlobBytes === undefined ? [] : [`files: up to ${formatBytes(terms.maxBlobBytes)} each`]),
    ...(terms.pushOptions ? ['push options: passed on'] : []),
  ]
}

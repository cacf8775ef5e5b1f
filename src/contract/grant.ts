import { z } from 'zod'
import { BranchGlob, EmailGlob, PathGlob, PushOptionPattern, RefPattern } from './grant-patterns.ts'
import { HostApiAccess } from './hosts/host-call.ts'
import { AgentName, refNameProblem } from './names.ts'
import { AllowedSigners } from './ssh/allowed-signers.ts'
import { formatBytes } from './text/format-bytes.ts'
import { compileGlob, matchesWildcard } from './text/glob.ts'

/**
 * An action of a push on one ref. `force` is an update that is not a fast-forward, or any update of a tag.
 */
export const Action = z.enum(['create', 'update', 'force', 'delete'])
export type Action = z.infer<typeof Action>

/**
 * A rule of a grant: the actions that it allows and denies on matching refs. Later rules decide the other
 * actions.
 */
export const Rule = z.strictObject({
  pattern: RefPattern,
  allow: z.array(Action).default([]),
  deny: z.array(Action).default([]),
})
export type Rule = z.infer<typeof Rule>

/** The limit of approvals that a push can need. */
const MAX_APPROVALS = 5

/**
 * A rule for pushes that wait for an approval although the grant allows them. All parts that it has must match:
 * a ref and an action of the push, a path that it changes, a file that it introduces. A rule with a ref or an action
 * sees changes and files that another ref of upstream has already. `findings` matches findings whose line asks for an
 * exception, which an approval then grants.
 */
export const AskRule = z
  .strictObject({
    refs: z.array(RefPattern).max(50).default([]),
    actions: z.array(Action).default([]),
    paths: z.array(PathGlob).max(200).default([]),
    /** The size of a file, in bytes, beyond which the push waits. */
    overBytes: z.number().int().positive().optional(),
    findings: z.boolean().default(false),
    /** The number of operators who have to approve. */
    approvals: z.number().int().min(1).max(MAX_APPROVALS).default(1),
  })
  .refine(
    rule =>
      rule.findings !==
      (rule.refs.length + rule.actions.length + rule.paths.length > 0 || rule.overBytes !== undefined),
    'an ask rule has refs, actions, paths or overBytes; or findings alone',
  )
export type AskRule = z.infer<typeof AskRule>

/** The rights of an agent in a repository. Without rules, the agent may only read. */
export const GrantTerms = z.strictObject({
  rules: z.array(Rule).max(200).default([]),
  /**
   * Patterns of the push options (`git push -o`) that the gate forwards to the upstream. `*` matches any
   * characters: `merge_request.*`.
   */
  pushOptions: z.array(PushOptionPattern).max(50).default([]),
  /**
   * Globs of the branches into which the agent may open pull requests (`git push -o pr`). Empty: it may open
   * none.
   */
  pullRequests: z.array(BranchGlob).max(50).default([]),
  /**
   * The calls to the host's API that the gate makes for the agent (`gh`, `glab`). `write` opens pull requests into the
   * bases of `pullRequests`, and comments on pull requests.
   */
  hostApi: HostApiAccess.default('none'),
  /** Globs of paths that a pushed commit must not change, for example `.github/workflows/**`. */
  denyPaths: z.array(PathGlob).max(200).default([]),
  /** The pushes that wait for an approval. */
  ask: z.array(AskRule).max(50).default([]),
  /** True if a pushed commit may add or change symbolic links. `submodules` says the same of submodules. */
  symlinks: z.boolean().default(true),
  submodules: z.boolean().default(true),
  /** Globs of allowed author and committer e-mail addresses. Empty: any address. */
  emails: z.array(EmailGlob).max(50).default([]),
  /**
   * The keys that may sign. Every new commit needs a signature by any of these keys. Empty: no signature is
   * needed.
   */
  allowedSigners: AllowedSigners.default(''),
  /** The size limit of a pushed file, in bytes. The gate's own limit applies as well. */
  maxBlobBytes: z.number().int().positive().optional(),
})
export type GrantTerms = z.infer<typeof GrantTerms>

export const Grant = z.object({ agent: AgentName, terms: GrantTerms })
export type Grant = z.infer<typeof Grant>

/** Returns the first rule that matches the ref and allows or denies the action. */
export const matchingRule = ({ agent, terms }: Grant, ref: string, action: Action): Rule | undefined =>
  terms.rules.find(
    rule =>
      (rule.allow.includes(action) || rule.deny.includes(action)) &&
      matchRef(rule.pattern.replaceAll('{agent}', agent), ref),
  )

/** Returns whether the grant allows the action on the ref. Without a matching rule, it does not. */
export function isAllowed(grant: Grant, ref: string, action: Action): boolean {
  const rule = matchingRule(grant, ref, action)
  return rule !== undefined && !rule.deny.includes(action)
}

/**
 * Suggests a branch or tag that the agent may create: puts `word` in place of the wildcard of the first
 * suitable pattern. Returns undefined if no pattern has a wildcard.
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

export function matchRef(pattern: string, ref: string): boolean {
  return compileGlob(pattern).test(ref)
}

/** Returns whether the gate may forward the push option to the upstream. */
export const allowsPushOption = ({ pushOptions }: GrantTerms, option: string): boolean =>
  pushOptions.some(pattern => matchesWildcard(pattern, option))

/** Returns whether the agent may open pull requests into the branch. */
export const allowsBase = ({ pullRequests }: GrantTerms, branch: string): boolean =>
  pullRequests.some(pattern => compileGlob(pattern).test(branch))

/** Names the bases of pull requests that a grant allows. */
export const describeBases = ({ pullRequests }: GrantTerms): string =>
  pullRequests.includes('**') ? 'any branch' : pullRequests.join(', ')

/** Describes the calls to the host's API that a grant allows. */
const describeApi = ({ hostApi }: GrantTerms): string =>
  hostApi === 'write'
    ? 'read pull requests and issues, open and comment on pull requests'
    : 'read pull requests and issues'

/** Formats the rules of a grant for agents and people, with the agent's name in the patterns. */
export const formatRules = ({ agent, terms }: Grant): string[] =>
  terms.rules.flatMap(rule => formatRule({ ...rule, pattern: rule.pattern.replaceAll('{agent}', agent) }))

/** Formats a rule, a line per list of actions. */
export const formatRule = ({ pattern, allow, deny }: Rule): string[] => [
  ...(deny.length ? [`${pattern}: not ${deny.join(', ')}`] : []),
  ...(allow.length ? [`${pattern}: ${allow.join(', ')}`] : []),
]

/** Formats an ask rule: the pushes that wait. */
export function describeAsk({ refs, actions, paths, overBytes, findings, approvals }: AskRule): string {
  const parts = [
    ...(actions.length ? [actions.join(', ')] : []),
    ...(refs.length ? [refs.join(', ')] : []),
    ...(paths.length ? [`changes of ${paths.join(', ')}`] : []),
    ...(overBytes === undefined ? [] : [`files over ${formatBytes(overBytes)}`]),
    ...(findings ? ['findings marked with gitleaks:allow'] : []),
  ]
  return `${parts.join('; ')}${approvals > 1 ? ` (${approvals} approvals)` : ''}`
}

/** Formats the other limits of a grant, a line per limit. */
export function formatLimits(terms: GrantTerms): string[] {
  return [
    ...(terms.denyPaths.length ? [`paths that a push must not touch: ${terms.denyPaths.join(', ')}`] : []),
    ...terms.ask.map(rule => `waits for an approval: ${describeAsk(rule)}`),
    ...(terms.emails.length ? [`author and committer e-mail: ${terms.emails.join(', ')}`] : []),
    ...(terms.allowedSigners ? ['every commit must be signed by a key that the gate knows'] : []),
    ...(terms.symlinks ? [] : ['symbolic links: none']),
    ...(terms.submodules ? [] : ['submodules: none']),
    ...(terms.maxBlobBytes === undefined ? [] : [`files: up to ${formatBytes(terms.maxBlobBytes)} each`]),
    ...(terms.pushOptions.length ? [`push options: ${terms.pushOptions.join(', ')}`] : []),
    ...(terms.pullRequests.length ? [`pull requests (git push -o pr): into ${describeBases(terms)}`] : []),
    ...(terms.hostApi === 'none' ? [] : [`API of the host (gh, glab): ${describeApi(terms)}`]),
  ]
}

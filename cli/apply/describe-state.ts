import { isDeepStrictEqual } from 'node:util'
import type { Repository } from '../../src/contract/admin-api/repositories.ts'
import type { Action, AskRule, GrantTerms } from '../../src/contract/grant.ts'
import { ownBranches, toTerms } from '../options/grant-options.ts'
import type { CurrentState } from './plan.ts'

/** Returns the content of a file for `apply` that changes nothing at a gate in this state. It has no secrets. */
export const describeState = ({ identities, repositories, agents, grants, operators }: CurrentState) => ({
  identities: identities.map(({ name }) => name),
  repositories: Object.fromEntries(repositories.map(each => [each.name, describeRepository(each)])),
  agents: Object.fromEntries(
    agents.map(({ name }) => [
      name,
      {
        grants: Object.fromEntries(
          grants
            .filter(({ agent }) => agent === name)
            .map(({ repository, terms }) => [repository, describeTerms(terms)]),
        ),
      },
    ]),
  ),
  operators: operators.map(({ principal, role, repository }) => ({
    principal,
    role,
    ...(repository === null ? {} : { repository }),
  })),
})

/** Returns the settings that are not empty. */
const describeRepository = ({ name: _, createdAt: __, ...settings }: Repository) =>
  Object.fromEntries(
    Object.entries(settings).filter(
      ([, value]) =>
        value !== null && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0),
    ),
  )

/** Returns the shortest entry that stands for the terms. */
function describeTerms(terms: GrantTerms): unknown {
  if (isDeepStrictEqual(terms, toTerms({ read: true }))) return 'read'
  if (isDeepStrictEqual(terms, toTerms(ownBranches))) return 'own'
  const options = optionsFor(terms)
  return isDeepStrictEqual(toTerms(options), terms) ? options : { terms }
}

function optionsFor({ rules, ...limits }: GrantTerms) {
  const having = (action: Action, refs: string) =>
    rules.filter(({ pattern, allow }) => pattern.startsWith(refs) && allow.includes(action)).map(patternOf)
  const denied = rules.filter(({ deny }) => deny.length > 0).map(patternOf)
  const options = {
    push: having('update', 'refs/heads/'),
    force: having('force', 'refs/heads/'),
    delete: having('delete', 'refs/heads/'),
    tags: having('create', 'refs/tags/'),
    deny: denied,
    denyPaths: limits.denyPaths,
    ask: limits.ask.map(describeRule),
    emails: limits.emails,
    pushOptions: limits.pushOptions,
    pullRequests: limits.pullRequests,
    ...(limits.hostApi === 'none' ? {} : { hostApi: limits.hostApi }),
    ...(limits.symlinks ? {} : { symlinks: false }),
    ...(limits.submodules ? {} : { submodules: false }),
    ...(limits.allowedSigners ? { allowedSigners: limits.allowedSigners } : {}),
    ...(limits.maxBlobBytes === undefined ? {} : { maxBlobBytes: limits.maxBlobBytes }),
    ...(rules.some(({ allow }) => allow.length > 0) ? {} : { read: true }),
  }
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => !(Array.isArray(value) && value.length === 0)),
  )
}

/** An ask rule without its defaults. */
const describeRule = (rule: AskRule) =>
  Object.fromEntries(
    Object.entries(rule).filter(([name, value]) => !isDeepStrictEqual(value, ASK_DEFAULTS[name])),
  )

const ASK_DEFAULTS: Readonly<Record<string, unknown>> = {
  refs: [],
  actions: [],
  paths: [],
  findings: false,
  approvals: 1,
}

const patternOf = ({ pattern }: { pattern: string }) => pattern.replace(/^refs\/heads\//, '')

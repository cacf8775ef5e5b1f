import { isDeepStrictEqual } from 'node:util'
import type { Agent, AgentGrant } from '../../src/contract/admin-api/agents.ts'
import type { Credential } from '../../src/contract/admin-api/credentials.ts'
import type { Identity } from '../../src/contract/admin-api/identities.ts'
import type { OperatorRole } from '../../src/contract/admin-api/operators.ts'
import type { NewRepository, Repository } from '../../src/contract/admin-api/repositories.ts'
import type { Client } from '../client.ts'
import { CliError } from '../errors.ts'
import { formatTerms } from '../options/grant-options.ts'
import type { DesiredGrant, DesiredState } from './desired-state.ts'
import { planOperators } from './operator-steps.ts'
import type { Step } from './step.ts'

/** The resources of a gate. */
export interface CurrentState {
  readonly identities: readonly Identity[]
  readonly credentials: readonly Credential[]
  readonly repositories: readonly Repository[]
  readonly agents: readonly Agent[]
  readonly grants: readonly AgentGrant[]
  readonly operators: readonly OperatorRole[]
}

export async function readCurrentState(client: Client): Promise<CurrentState> {
  const [identities, credentials, repositories, agents, grants, operators] = await Promise.all([
    client.identities.list(),
    client.credentials.list(),
    client.repositories.list(),
    client.agents.list(),
    client.grants.list(),
    client.operators.list(),
  ])
  return { identities, credentials, repositories, agents, grants, operators }
}

/**
 * Plans the steps from the current to the desired state, in stages: the steps of a stage need those of the
 * stages before. Removes the grants that the file omits for an agent whose grants it lists; removes
 * agents and repositories that the file omits only with `prune`. Throws a CliError when the file refers to a resource
 * that will not exist.
 */
export function createPlan(
  client: Client,
  current: CurrentState,
  wanted: DesiredState,
  prune: boolean,
): Step[][] {
  const grants = wanted.agents.flatMap(({ name, grants }) =>
    (grants ?? []).map((grant): WantedGrant => ({ agent: name, ...grant })),
  )
  assertReferencesExist(current, wanted, grants)
  const operators = planOperators(client, current.operators, wanted.operators)
  return [
    addIdentities(client, current, wanted),
    [
      ...addRepositories(client, current, wanted),
      ...wanted.repositories.flatMap(repository => changeSettings(client, repository, current)),
      ...addAgents(client, current, wanted),
    ],
    [...setGrants(client, current, grants), ...operators.set],
    [...removeGrants(client, current, wanted, grants, prune), ...operators.remove],
    prune ? removeAgentsAndRepositories(client, current, wanted, grants) : [],
  ]
}

interface WantedGrant extends DesiredGrant {
  readonly agent: string
}

const addIdentities = (client: Client, current: CurrentState, wanted: DesiredState): Step[] =>
  missing(wanted.identities, current.identities).map(({ name, privateKey }) => ({
    action: 'add',
    kind: 'identity',
    name,
    detail: privateKey ? 'the given SSH key' : 'a new SSH key',
    run: () => client.identities.add({ name, ...(privateKey === undefined ? {} : { privateKey }) }),
  }))

const addRepositories = (client: Client, current: CurrentState, wanted: DesiredState): Step[] =>
  missing(wanted.repositories, current.repositories).map(repository => ({
    action: 'add',
    kind: 'repository',
    name: repository.name,
    detail: repository.upstream,
    run: () => client.repositories.add(repository),
    check: () => checkSettings(client, current, repository),
  }))

/** Has the gate check the settings. An identity that the plan makes first is not there yet. */
async function checkSettings(
  client: Client,
  current: CurrentState,
  repository: NewRepository,
): Promise<void> {
  const isMadeFirst = !current.identities.some(({ name }) => key(name) === key(repository.identity ?? ''))
  await client.repositories.checkSettings(repository).catch((error: unknown) => {
    if (isMadeFirst && error instanceof CliError && error.code === 'no-identity') return
    throw error
  })
}

const addAgents = (client: Client, current: CurrentState, wanted: DesiredState): Step[] =>
  missing(wanted.agents, current.agents).map(({ name }) => ({
    action: 'add',
    kind: 'agent',
    name,
    detail: '',
    run: () => client.agents.add(name),
  }))

const setGrants = (client: Client, current: CurrentState, grants: readonly WantedGrant[]): Step[] =>
  grants.flatMap(({ agent, repository, terms }): Step[] => {
    const existing = current.grants.find(grant => grantKey(grant) === grantKey({ agent, repository }))
    if (existing && isDeepStrictEqual(existing.terms, terms)) return []
    return [
      {
        action: existing ? 'change' : 'add',
        kind: 'grant',
        name: `${agent} ${repository}`,
        detail: existing ? `${formatTerms(existing.terms)} → ${formatTerms(terms)}` : formatTerms(terms),
        run: () => client.grants.set(agent, repository, terms),
      },
    ]
  })

function removeGrants(
  client: Client,
  current: CurrentState,
  wanted: DesiredState,
  grants: readonly WantedGrant[],
  prune: boolean,
): Step[] {
  const wantedGrants = new Set(grants.map(grantKey))
  const agentsWithGrants = new Set<string>(
    wanted.agents.filter(({ grants }) => grants).map(({ name }) => name),
  )
  return current.grants
    .filter(grant => !wantedGrants.has(grantKey(grant)) && (prune || agentsWithGrants.has(grant.agent)))
    .map(
      ({ agent, repository, terms }): Step => ({
        action: 'remove',
        kind: 'grant',
        name: `${agent} ${repository}`,
        detail: prune
          ? formatTerms(terms)
          : `${formatTerms(terms)} (the file lists the grants of ${agent} without it)`,
        run: () => client.grants.remove(agent, repository),
      }),
    )
}

/** Keeps a repository that a grant refers to, although the file does not list it. */
const removeAgentsAndRepositories = (
  client: Client,
  current: CurrentState,
  wanted: DesiredState,
  grants: readonly WantedGrant[],
): Step[] => [
  ...missing(current.agents, wanted.agents).map(
    ({ name }): Step => ({
      action: 'remove',
      kind: 'agent',
      name,
      detail: 'with its tokens',
      run: () => client.agents.remove(name),
    }),
  ),
  ...missing(current.repositories, [
    ...wanted.repositories,
    ...grants.map(({ repository }) => ({ name: repository })),
  ]).map(
    ({ name, upstream }): Step => ({
      action: 'remove',
      kind: 'repository',
      name,
      detail: upstream,
      run: () => client.repositories.remove(name),
    }),
  ),
]

/** Throws when the file refers to an unknown resource; the gate would reject it after half of the plan. */
function assertReferencesExist(
  current: CurrentState,
  wanted: DesiredState,
  grants: readonly WantedGrant[],
): void {
  const keysOf = (resources: readonly { name: string }[]) => new Set(resources.map(({ name }) => key(name)))
  const identities = keysOf([...wanted.identities, ...current.identities])
  const credentials = keysOf(current.credentials)
  for (const { name, identity, credential } of wanted.repositories) {
    if (identity !== null && !identities.has(key(identity)))
      throw new CliError(
        `${name}: there is no identity ${identity}, in the file or at the gate`,
        'List it under identities, and the gate creates a key',
      )
    if (credential !== null && !credentials.has(key(credential)))
      throw new CliError(
        `${name}: there is no credential ${credential} at the gate`,
        `The file has no secrets; set it first: git gate credential set ${credential} --user USER`,
      )
  }
  const repositories = keysOf([...wanted.repositories, ...current.repositories])
  for (const { agent, repository } of grants)
    if (!repositories.has(key(repository)))
      throw new CliError(
        `${agent} in ${repository}: there is no such repository, in the file or at the gate`,
        'List it under repositories, or correct its name',
      )
  for (const { principal, repository } of wanted.operators ?? [])
    if (repository !== null && !repositories.has(key(repository)))
      throw new CliError(
        `${principal} in ${repository}: there is no such repository, in the file or at the gate`,
        'List it under repositories, or correct its name',
      )
}

function changeSettings(client: Client, wanted: NewRepository, current: CurrentState): Step[] {
  const existing = current.repositories.find(({ name }) => key(name) === key(wanted.name))
  if (!existing) return []
  const { name: _, ...settings } = wanted
  const changed = (Object.keys(settings) as (keyof typeof settings)[]).filter(
    field => !isDeepStrictEqual(settings[field], existing[field]),
  )
  if (changed.length === 0) return []
  return [
    {
      action: 'change',
      kind: 'repository',
      name: existing.name,
      detail: changed.join(', '),
      run: () => client.repositories.update(existing.name, settings),
      check: () => checkSettings(client, current, wanted),
    },
  ]
}

/**
 * Returns the resources whose names `others` lacks. Names are compared without case, as the gate compares
 * them.
 */
function missing<T extends { name: string }>(
  resources: readonly T[],
  others: readonly { name: string }[],
): T[] {
  const keys = new Set(others.map(({ name }) => key(name)))
  return resources.filter(({ name }) => !keys.has(key(name)))
}

const key = (name: string) => name.toLowerCase()
const grantKey = (grant: { agent: string; repository: string }) => key(`${grant.agent} ${grant.repository}`)

import { isDeepStrictEqual } from 'node:util'
import type { Agent, AgentGrant, Identity, NewRepository, Repository } from '../src/contract/api.ts'
import type { RepositoryName } from '../src/contract/names.ts'
import type { Client } from './client.ts'
import type { DesiredState } from './desired-state.ts'
import { Complaint } from './errors.ts'
import { summary } from './grant-options.ts'

/** One change that brings a gate nearer to what it should hold. */
export interface Step {
  readonly action: 'add' | 'change' | 'remove'
  readonly kind: 'identity' | 'repository' | 'agent' | 'grant'
  readonly name: string
  readonly detail: string
  readonly run: () => Promise<unknown>
}

/** What a gate holds now. */
export interface CurrentState {
  readonly identities: readonly Identity[]
  readonly repositories: readonly Repository[]
  readonly agents: readonly Agent[]
  readonly grants: readonly AgentGrant[]
}

export async function readCurrentState(client: Client): Promise<CurrentState> {
  const [identities, repositories, agents, grants] = await Promise.all([
    client.identities.list(),
    client.repositories.list(),
    client.agents.list(),
    client.grants.list(),
  ])
  return { identities, repositories, agents, grants }
}

/**
 * The steps from what there is to what should be, in waves: each wave needs the one before. Grants of an agent
 * that the file lists in full are removed when it does not list them; other things only with `prune`.
 */
export function planOf(client: Client, now: CurrentState, wanted: DesiredState, prune: boolean): Step[][] {
  const grants = wanted.agents.flatMap(({ name, grants }) =>
    (grants ?? []).map(grant => ({ agent: name, ...grant })),
  )
  const settled = new Set(wanted.agents.filter(each => each.grants).map(each => each.name as string))
  const grantKey = (grant: { agent: string; repository: string }) => key(`${grant.agent} ${grant.repository}`)
  const wantedGrants = new Set(grants.map(grantKey))
  refuseNowhere(now, wanted, grants)
  return [
    missing(
      wanted.identities.map(name => ({ name })),
      now.identities,
    ).map(({ name }) => ({
      ...({ action: 'add', kind: 'identity', name, detail: 'a new SSH key' } as const),
      run: () => client.identities.add({ name }),
    })),
    [
      ...missing(wanted.repositories, now.repositories).map(each => ({
        ...({ action: 'add', kind: 'repository', name: each.name, detail: each.upstream } as const),
        run: () => client.repositories.add(each),
      })),
      ...wanted.repositories.flatMap(each => changedSettings(client, each, now.repositories)),
      ...missing(wanted.agents, now.agents).map(({ name }) => ({
        ...({ action: 'add', kind: 'agent', name, detail: '' } as const),
        run: () => client.agents.add(name),
      })),
    ],
    grants.flatMap(({ agent, repository, terms }): Step[] => {
      const held = now.grants.find(each => grantKey(each) === grantKey({ agent, repository }))
      if (held && isDeepStrictEqual(held.terms, terms)) return []
      return [
        {
          action: held ? 'change' : 'add',
          kind: 'grant',
          name: `${agent} ${repository}`,
          detail: held ? `${summary(held.terms)} → ${summary(terms)}` : summary(terms),
          run: () => client.grants.set(agent, repository, terms),
        },
      ]
    }),
    now.grants
      .filter(each => !wantedGrants.has(grantKey(each)) && (prune || settled.has(each.agent)))
      .map(each => ({
        ...({
          action: 'remove',
          kind: 'grant',
          name: `${each.agent} ${each.repository}`,
          detail: summary(each.terms),
        } as const),
        run: () => client.grants.remove(each.agent, each.repository),
      })),
    prune
      ? [
          ...missing(now.agents, wanted.agents).map(({ name }) => ({
            ...({ action: 'remove', kind: 'agent', name, detail: 'with its tokens' } as const),
            run: () => client.agents.remove(name),
          })),
          ...missing(now.repositories, [
            ...wanted.repositories,
            ...grants.map(({ repository }) => ({ name: repository })),
          ]).map(({ name, upstream }) => ({
            ...({ action: 'remove', kind: 'repository', name, detail: upstream } as const),
            run: () => client.repositories.remove(name),
          })),
        ]
      : [],
  ]
}

/** Throws where something is named that is neither wanted nor there: the gate would refuse it with half of the plan applied. */
function refuseNowhere(
  now: CurrentState,
  wanted: DesiredState,
  grants: readonly { agent: string; repository: RepositoryName }[],
): void {
  const named = (names: readonly { name: string }[]) => new Set(names.map(each => key(each.name)))
  const identities = named([...wanted.identities.map(name => ({ name })), ...now.identities])
  for (const { name, identity } of wanted.repositories)
    if (!identities.has(key(identity)))
      throw new Complaint(
        `${name}: there is no identity ${identity}, in the file or at the gate`,
        'Say it under identities, and the gate makes a key',
      )
  const repositories = named([...wanted.repositories, ...now.repositories])
  for (const { agent, repository } of grants)
    if (!repositories.has(key(repository)))
      throw new Complaint(
        `${agent} in ${repository}: there is no such repository, in the file or at the gate`,
        'Say it under repositories, or correct its name',
      )
}

function changedSettings(client: Client, wanted: NewRepository, now: readonly Repository[]): Step[] {
  const held = now.find(each => key(each.name) === key(wanted.name))
  if (!held) return []
  const { name: _, ...settings } = wanted
  const changed = (Object.keys(settings) as (keyof typeof settings)[]).filter(
    field => settings[field] !== held[field],
  )
  if (changed.length === 0) return []
  return [
    {
      action: 'change',
      kind: 'repository',
      name: held.name,
      detail: changed.join(', '),
      run: () => client.repositories.update(held.name, settings),
    },
  ]
}

/** Those of `all` whose name none of `among` has; repositories' names differ by more than case. */
function missing<T extends { name: string }>(all: readonly T[], among: readonly { name: string }[]): T[] {
  const names = new Set(among.map(each => key(each.name)))
  return all.filter(each => !names.has(key(each.name)))
}

const key = (name: string) => name.toLowerCase()

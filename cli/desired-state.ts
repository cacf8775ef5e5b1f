import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { NewRepository } from '../src/contract/api.ts'
import { AgentName, IdentityName, RepositoryName } from '../src/contract/names.ts'
import type { Terms } from '../src/contract/rules.ts'
import { Complaint } from './complaint.ts'
import { readText } from './file.ts'
import { ownBranches, termsOf, Wishes } from './terms.ts'

const settings = {
  upstream: z.string(),
  identity: IdentityName.optional(),
  knownHosts: z.string().optional(),
  knownHostsFile: z.string().optional(),
  staleReads: z.boolean().default(false),
  gitleaksConfig: z.string().optional(),
  gitleaksConfigFile: z.string().optional(),
}

/** The file as people write it. */
const File = z.strictObject({
  /** What repositories have that say nothing else. */
  defaults: z
    .strictObject({
      identity: settings.identity,
      knownHosts: settings.knownHosts,
      knownHostsFile: settings.knownHostsFile,
    })
    .default({}),
  identities: z.array(IdentityName).default([]),
  repositories: z.record(RepositoryName, z.strictObject(settings)).default({}),
  agents: z
    .record(
      AgentName,
      z
        .strictObject({
          /** `read`, `own` (its own branches, with everything), or what it may do in detail. */
          grants: z.record(RepositoryName, z.union([z.literal(['read', 'own']), Wishes])).optional(),
        })
        .nullable(),
    )
    .default({}),
})

/** What a gate should hold, in full. */
export interface DesiredState {
  readonly identities: readonly IdentityName[]
  readonly repositories: readonly NewRepository[]
  /** Grants undefined: the file does not speak of them, and they stay. */
  readonly agents: readonly { name: AgentName; grants: readonly DesiredGrant[] | undefined }[]
}
export interface DesiredGrant {
  readonly repository: RepositoryName
  readonly terms: Terms
}

/** Reads a file for `apply`, in YAML or JSON; files that it names are looked for beside it. */
export function readDesiredState(file: string): DesiredState {
  const parsed = File.safeParse(parseYaml(file, readText(file)))
  if (!parsed.success) throw new Complaint(`${file} does not fit:\n${z.prettifyError(parsed.error)}`)
  const { defaults, identities, repositories, agents } = parsed.data
  const beside = (name: string) => readText(resolve(dirname(file), name))
  const hostsOf = (of: { knownHosts?: string | undefined; knownHostsFile?: string | undefined }) =>
    of.knownHosts ?? (of.knownHostsFile === undefined ? undefined : beside(of.knownHostsFile))
  return {
    identities,
    repositories: entries<RepositoryName, (typeof repositories)[RepositoryName]>(repositories).map(
      ([name, each]) => {
        const identity = each.identity ?? defaults.identity
        const knownHosts = hostsOf(each) ?? hostsOf(defaults)
        if (identity === undefined || knownHosts === undefined)
          throw new Complaint(
            `${file}: ${name} has no ${identity === undefined ? 'identity' : 'knownHosts'}`,
            'Say it there, or under defaults',
          )
        const gitleaksConfig =
          each.gitleaksConfig ?? (each.gitleaksConfigFile ? beside(each.gitleaksConfigFile) : '')
        return {
          name,
          upstream: each.upstream,
          identity,
          knownHosts,
          staleReads: each.staleReads,
          gitleaksConfig,
        }
      },
    ),
    agents: entries<AgentName, (typeof agents)[AgentName]>(agents).map(([name, each]) => ({
      name,
      grants:
        each?.grants &&
        entries<RepositoryName, GrantWish>(each.grants).map(([repository, wish]) => ({
          repository,
          terms: termsOfWish(`${file}: ${name} in ${repository}`, wish),
        })),
    })),
  }
}

type GrantWish = 'read' | 'own' | Wishes

function termsOfWish(where: string, wish: GrantWish): Terms {
  try {
    return termsOf(wish === 'read' ? { read: true } : wish === 'own' ? ownBranches : wish)
  } catch (error) {
    throw error instanceof Complaint ? new Complaint(`${where}: ${error.message}`, error.fix) : error
  }
}

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text) ?? {}
  } catch (error) {
    throw new Complaint(`${file} is neither YAML nor JSON: ${error instanceof Error ? error.message : error}`)
  }
}

const entries = <K extends string, V>(of: Partial<Record<K, V>>) => Object.entries(of) as [K, V][]

import { parse } from 'yaml'
import { z } from 'zod'
import type { NewRepository } from '../src/contract/api.ts'
import type { GrantTerms } from '../src/contract/grant.ts'
import { AgentName, IdentityName, RepositoryName } from '../src/contract/names.ts'
import { CliError } from './errors.ts'
import { GrantOptions, ownBranches, toTerms } from './grant-options.ts'
import { readText, readTextBeside } from './read-text.ts'

const settings = {
  upstream: z.string(),
  identity: IdentityName.optional(),
  knownHosts: z.string().optional(),
  knownHostsFile: z.string().optional(),
  staleReads: z.boolean().default(false),
  gitleaksConfig: z.string().optional(),
  gitleaksConfigFile: z.string().optional(),
}

/**
 * A schema for entries by name. Rejects names that differ only by case. A map, since an object would lose
 * `__proto__`.
 */
const byName = <N extends z.ZodType<string>, T extends z.ZodType>(name: N, each: T) =>
  z
    .preprocess(of => (isObject(of) ? new Map(Object.entries(of)) : of), z.map(name, each))
    .check(({ value, issues }) => {
      const known = new Map<string, string>()
      for (const given of value.keys()) {
        const same = known.get(given.toLowerCase())
        if (same !== undefined)
          issues.push({
            code: 'custom',
            message: `${same} and ${given} are one name: say it once`,
            input: value,
          })
        known.set(given.toLowerCase(), given)
      }
    })
const isObject = (of: unknown): of is object => typeof of === 'object' && of !== null && !Array.isArray(of)

/** An entry of `grants`. Reports the issues of the detailed form, unless the entry is a string. */
const GrantEntry = z.union([z.literal(['read', 'own']), GrantOptions], {
  error: ({ code, errors, input }) =>
    code === 'invalid_union' && typeof input !== 'string'
      ? errors
          .at(-1)
          ?.map(({ path, message }) => [...path, message].join(': '))
          .join('; ')
      : 'a grant is read, own, or what it lets the agent do, such as push: [main]',
})

/** The schema of the file for `apply`. */
const File = z.strictObject({
  /** Settings of repositories that do not set their own. */
  defaults: z
    .strictObject({
      identity: settings.identity,
      knownHosts: settings.knownHosts,
      knownHostsFile: settings.knownHostsFile,
    })
    .default({}),
  identities: z.array(IdentityName).default([]),
  repositories: byName(RepositoryName, z.strictObject(settings)).default(new Map()),
  agents: byName(
    AgentName,
    z
      .strictObject({
        /** `read`, `own` (every action on the agent's own branches), or a detailed grant. */
        grants: byName(RepositoryName, GrantEntry).optional(),
      })
      .nullable(),
  ).default(new Map()),
})

/** The desired state of a gate. */
export interface DesiredState {
  readonly identities: readonly IdentityName[]
  readonly repositories: readonly NewRepository[]
  /** If `grants` is undefined, the agent's grants stay unchanged. */
  readonly agents: readonly { name: AgentName; grants: readonly DesiredGrant[] | undefined }[]
}
export interface DesiredGrant {
  readonly repository: RepositoryName
  readonly terms: GrantTerms
}

/** Reads a file for `apply`, in YAML or JSON, and the files that it names. Throws a CliError. */
export function readDesiredState(file: string): DesiredState {
  const parsed = File.safeParse(parseYaml(file, readText(file)))
  if (!parsed.success) throw new CliError(`${file} does not fit:\n${z.prettifyError(parsed.error)}`)
  const { defaults, identities, repositories, agents } = parsed.data
  const beside = (name: string) => readTextBeside(file, name)
  const hostsOf = (of: { knownHosts?: string | undefined; knownHostsFile?: string | undefined }) =>
    of.knownHosts ?? (of.knownHostsFile === undefined ? undefined : beside(of.knownHostsFile))
  return {
    identities: [...new Set(identities)],
    repositories: [...repositories].map(([name, each]) => {
      const identity = each.identity ?? defaults.identity
      const knownHosts = hostsOf(each) ?? hostsOf(defaults)
      if (identity === undefined || knownHosts === undefined)
        throw new CliError(
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
    }),
    agents: [...agents].map(([name, each]) => ({
      name,
      grants:
        each?.grants &&
        [...each.grants].map(([repository, wish]) => ({
          repository,
          terms: termsOfEntry(`${file}: ${name} in ${repository}`, wish),
        })),
    })),
  }
}

function termsOfEntry(where: string, wish: z.infer<typeof GrantEntry>): GrantTerms {
  try {
    return toTerms(wish === 'read' ? { read: true } : wish === 'own' ? ownBranches : wish)
  } catch (error) {
    throw error instanceof CliError ? new CliError(`${where}: ${error.message}`, error.fix) : error
  }
}

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text) ?? {}
  } catch (error) {
    throw new CliError(`${file} is neither YAML nor JSON: ${error instanceof Error ? error.message : error}`)
  }
}

import { parse } from 'yaml'
import { z } from 'zod'
import { NewOperatorRole } from '../../src/contract/admin-api/operators.ts'
import { NewRepository } from '../../src/contract/admin-api/repositories.ts'
import { GrantTerms } from '../../src/contract/grant.ts'
import { ForgeApiUrl, ForgeKind } from '../../src/contract/hosts/forge.ts'
import { WebUrl } from '../../src/contract/hosts/web-links.ts'
import { AgentName, CredentialName, IdentityName, RepositoryName } from '../../src/contract/names.ts'
import { publishedHostKeys } from '../../src/contract/ssh/published-host-keys.ts'
import { isHttps } from '../../src/contract/upstream.ts'
import { CliError } from '../errors.ts'
import { GrantOptions, ownBranches, toTerms } from '../options/grant-options.ts'
import { readText, readTextBeside } from '../options/read-text.ts'
import { roleKey } from './operator-steps.ts'

const settings = {
  upstream: z.string(),
  identity: IdentityName.optional(),
  knownHosts: z.string().optional(),
  knownHostsFile: z.string().optional(),
  credential: CredentialName.optional(),
  ca: z.string().optional(),
  caFile: z.string().optional(),
  proxy: z.string().optional(),
  forge: ForgeKind.optional(),
  apiUrl: ForgeApiUrl.default(''),
  webUrl: WebUrl.default(''),
  staleReads: z.boolean().default(false),
  readRefs: NewRepository.shape.readRefs,
  gitleaksConfig: z.string().optional(),
  gitleaksConfigFile: z.string().optional(),
}

/**
 * A schema for entries by name. Rejects names that differ only by case. A map, since an object would lose
 * `__proto__`.
 */
const byName = <N extends z.ZodType<string>, T extends z.ZodType>(name: N, each: T) =>
  z
    .preprocess(value => (isObject(value) ? new Map(Object.entries(value)) : value), z.map(name, each))
    .check(({ value, issues }) => {
      const byLowerCase = new Map<string, string>()
      for (const given of value.keys()) {
        const same = byLowerCase.get(given.toLowerCase())
        if (same !== undefined)
          issues.push({
            code: 'custom',
            message: `${same} and ${given} differ only by case: keep one of them`,
            input: value,
          })
        byLowerCase.set(given.toLowerCase(), given)
      }
    })
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The terms of a grant as the gate keeps them, for those that the options cannot express. */
const RawTerms = z.strictObject({ terms: GrantTerms })

/** An entry of `grants`. Reports the issues of the detailed form, unless the entry is a string. */
const GrantEntry = z.union([z.literal(['read', 'own']), RawTerms, GrantOptions], {
  error: ({ code, errors, input }) =>
    code === 'invalid_union' && typeof input !== 'string'
      ? errors
          .at(-1)
          ?.map(({ path, message }) => [...path, message].join(': '))
          .join('; ')
      : 'a grant is read, own, or options such as push: [main]',
})

/** The schema of the file for `apply`. */
const File = z.strictObject({
  /** Settings of repositories that do not set their own. */
  defaults: z
    .strictObject({
      identity: settings.identity,
      knownHosts: settings.knownHosts,
      knownHostsFile: settings.knownHostsFile,
      credential: settings.credential,
      ca: settings.ca,
      caFile: settings.caFile,
      proxy: settings.proxy,
    })
    .default({}),
  identities: z
    .array(
      z.union([
        IdentityName,
        /** A private key beside the file, which the gate imports if it lacks the identity. */
        z.strictObject({ name: IdentityName, privateKeyFile: z.string() }),
      ]),
    )
    .default([]),
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
  /** The roles of operators who sign in. A list is complete; without it the roles stay. */
  operators: z
    .array(NewOperatorRole)
    .refine(
      roles => new Set(roles.map(roleKey)).size === roles.length,
      'each operator has at most one role in a repository, and one in the whole gate',
    )
    .optional(),
})

/** The desired state of a gate. */
export interface DesiredState {
  readonly identities: readonly { readonly name: IdentityName; readonly privateKey?: string }[]
  readonly repositories: readonly NewRepository[]
  /** If `grants` is undefined, the agent's grants stay unchanged. */
  readonly agents: readonly { name: AgentName; grants: readonly DesiredGrant[] | undefined }[]
  /** If undefined, the roles stay unchanged. */
  readonly operators: readonly NewOperatorRole[] | undefined
}
export interface DesiredGrant {
  readonly repository: RepositoryName
  readonly terms: GrantTerms
}

/** Returns the JSON Schema of the file, for editors. */
export const fileSchema = () => schemaOf(File)

const schemaOf = (type: z.ZodType): z.core.JSONSchema.JSONSchema =>
  z.toJSONSchema(type, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (!(zodSchema instanceof z.ZodMap)) return
      const { $schema: _, ...value } = schemaOf(zodSchema.valueType as z.ZodType)
      jsonSchema.type = 'object'
      jsonSchema.additionalProperties = value
    },
  })

/** The remedy for a fault of the file. */
export const correction = (file: string) =>
  `Correct ${file === '-' ? 'the input' : file}, and apply it again; docs/apply.md has its form, and git gate export --schema its JSON Schema`

/** Reads a file for `apply`, in YAML or JSON, and the files that it names. Throws a CliError. */
export function readDesiredState(file: string): DesiredState {
  const parsed = File.safeParse(parseYaml(file, readText(file)))
  if (!parsed.success)
    throw new CliError(`${file} is invalid:\n${z.prettifyError(parsed.error)}`, correction(file))
  const { defaults, identities, repositories, agents, operators } = parsed.data
  const beside = (name: string) => readTextBeside(file, name)
  const textOf = (text: string | undefined, named: string | undefined) =>
    text ?? (named === undefined ? undefined : beside(named))
  return {
    identities: [
      ...new Map(
        identities.map(each =>
          typeof each === 'string'
            ? [each, { name: each }]
            : [each.name, { name: each.name, privateKey: beside(each.privateKeyFile) }],
        ),
      ).values(),
    ],
    repositories: [...repositories].map(([name, each]) => {
      const transport = isHttps(each.upstream)
        ? httpsSettings(each, defaults)
        : sshSettings(each, defaults, textOf)
      if (typeof transport === 'string')
        throw new CliError(`${file}: ${name} has no ${transport}`, 'Set it there, or under defaults')
      return {
        name,
        upstream: each.upstream,
        ...transport,
        ca: textOf(each.ca, each.caFile) ?? textOf(defaults.ca, defaults.caFile) ?? '',
        proxy: each.proxy ?? defaults.proxy ?? '',
        forge: each.forge ?? null,
        apiUrl: each.apiUrl,
        webUrl: each.webUrl,
        staleReads: each.staleReads,
        readRefs: each.readRefs,
        gitleaksConfig: textOf(each.gitleaksConfig, each.gitleaksConfigFile) ?? '',
      }
    }),
    agents: [...agents].map(([name, each]) => ({
      name,
      grants:
        each?.grants &&
        [...each.grants].map(([repository, entry]) => ({
          repository,
          terms: termsOfEntry(file, `${name} in ${repository}`, entry),
        })),
    })),
    operators,
  }
}

type Settings = z.infer<typeof File>['defaults']

/** The settings of an SSH upstream, or the name of a missing one. A credential there is for the host's API. */
function sshSettings(
  each: Settings & { upstream: string },
  defaults: Settings,
  textOf: (text: string | undefined, file: string | undefined) => string | undefined,
) {
  const identity = each.identity ?? defaults.identity
  const knownHosts =
    textOf(each.knownHosts, each.knownHostsFile) ??
    textOf(defaults.knownHosts, defaults.knownHostsFile) ??
    publishedHostKeys(each.upstream)
  if (identity === undefined) return 'identity'
  if (knownHosts === undefined) return 'knownHosts'
  return { identity, knownHosts, credential: each.credential ?? null }
}

/** The settings of an HTTPS upstream, or the name of a missing one. */
function httpsSettings(each: Settings, defaults: Settings) {
  const credential = each.credential ?? defaults.credential
  return credential === undefined ? 'credential' : { identity: null, knownHosts: '', credential }
}

function termsOfEntry(file: string, place: string, entry: z.infer<typeof GrantEntry>): GrantTerms {
  try {
    if (typeof entry === 'object' && 'terms' in entry) return entry.terms
    return toTerms(entry === 'read' ? { read: true } : entry === 'own' ? ownBranches : entry)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    throw new CliError(
      `${file}: ${place}: ${error.message}`,
      error.code === 'reads-only' ? 'Write read there, or add push: [PATTERN]' : correction(file),
    )
  }
}

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text) ?? {}
  } catch (error) {
    throw new CliError(
      `${file} is neither YAML nor JSON: ${error instanceof Error ? error.message : error}`,
      correction(file),
    )
  }
}

import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { Forge, ForgeKind } from '../../src/contract/hosts/forge.ts'
import type { Call } from '../forge/host-api.ts'
import { projectPathOf } from '../forge/hosts.ts'
import { type Plan, type Proof, refused } from './plan.ts'
import { Branch } from './pull-request-fields.ts'
import { operationsOf, type RestOperation } from './rest-operations.ts'

export type RequestedCall = Pick<PassFor<'host-call'>, 'method' | 'path' | 'query' | 'accept'>

/** The path of the API at its host, by which its clients find it. */
export const API_PATHS: Readonly<Record<ForgeKind, string>> = {
  github: '/api/v3',
  gitlab: '/api/v4',
  gitea: '/api/v1',
}

/** The media types of GitHub's that agents may ask for; any other answer is JSON. */
const TEXT_TYPES = /application\/vnd\.github\.(?:v3\.)?(diff|patch)\b/

/** Reads a REST request. `path` begins below API_PATHS. The path and the query that are sent are rebuilt. */
export function planRest(requested: RequestedCall, path: string, body: unknown, forge: Forge): Plan {
  const within = projectOf(path, forge)
  if (!within) return refused(`the project is ${forge.project} here, and no other`)
  for (const operation of operationsOf(forge.kind)) {
    const values = operation.method === requested.method ? match(operation.path, within.rest) : undefined
    if (!values) continue
    return planOperation(operation, { ...requested, body, values, proofs: within.proofs }, forge)
  }
  return refused(`${requested.method} ${within.rest.slice(0, 200) || '/'} of the project is not one of them`)
}

function planOperation(
  operation: RestOperation,
  requested: RequestedCall & {
    body: unknown
    values: Readonly<Record<string, string>>
    proofs: readonly Proof[]
  },
  forge: Forge,
): Plan {
  const query = queryOf(operation, requested.query)
  if (typeof query !== 'string') return refused(`the parameter ${query.unknown} of "${operation.name}"`)
  const wanted = operation.body?.safeParse(requested.body)
  if (wanted?.success === false) {
    const [issue] = wanted.error.issues
    return refused(`the body of "${operation.name}": ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
  }
  const text =
    operation.text === 'always' || (operation.text === 'accepted' && TEXT_TYPES.test(requested.accept))
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => requested.values[name] ?? '')
  const call: Call = {
    method: operation.method,
    path: `${projectPathOf[forge.kind](forge.project)}${path}${query}`,
    action: operation.name,
    ...(wanted ? { body: wanted.data.body } : {}),
    ...(text && operation.text === 'accepted'
      ? { accept: `application/vnd.github.${TEXT_TYPES.exec(requested.accept)?.[1]}` }
      : {}),
  }
  const { number = '' } = requested.values
  return {
    is: 'known',
    known: {
      operation: number === '' ? operation.name : `${operation.name} (${number})`,
      call,
      isWrite: operation.method !== 'GET',
      texts: wanted?.data.texts ?? [],
      ...(wanted?.data.opens ? { opens: wanted.data.opens } : {}),
      proofs: [
        ...requested.proofs,
        ...(wanted?.data.proofs ?? []),
        ...(operation.isOfPullRequest ? [{ kind: 'number', number } as const] : []),
      ],
      answer: text ? 'text' : 'rest',
    },
  }
}

/** Splits a path into the project and the rest. Returns undefined for another project. */
function projectOf(path: string, { kind, project }: Forge): { rest: string; proofs: Proof[] } | undefined {
  if (kind === 'gitlab') {
    const [, given = '', rest = ''] = /^\/projects\/([^/]+)(\/.*)?$/.exec(path) ?? []
    // GitLab's clients know a project by its number, once they have read it.
    if (/^\d{1,20}$/.test(given)) return { rest, proofs: [{ kind: 'project', id: given }] }
    return given !== '' && decoded(given)?.toLowerCase() === project.toLowerCase()
      ? { rest, proofs: [] }
      : undefined
  }
  const [, owner = '', name = '', rest = ''] = /^\/repos\/([^/]+)\/([^/]+)(\/.*)?$/.exec(path) ?? []
  const given = `${decoded(owner)}/${decoded(name)}`
  return given.toLowerCase() === project.toLowerCase() ? { rest, proofs: [] } : undefined
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** GitLab reads a whole name too, and so any ref of its own: only branches are asked for. */
const BranchName = Branch.refine(name => !name.startsWith('refs/'), 'not a branch of the project')

const VALUES: Readonly<Record<string, string>> = {
  number: '[1-9]\\d{0,9}',
  id: '[1-9]\\d{0,14}',
  branch: '[^/]{1,500}',
  sha: '[0-9a-f]{40}(?:[0-9a-f]{24})?',
}

/** Matches a path with an operation's, and returns its values, percent-encoded. */
function match(pattern: string, path: string): Record<string, string> | undefined {
  const expression = pattern
    .replaceAll('.', '\\.')
    .replace(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>${VALUES[name]})`)
  const found = new RegExp(`^${expression}$`).exec(path)
  if (!found) return undefined
  const { branch, ...values } = { ...found.groups }
  if (branch === undefined) return values
  const name = BranchName.safeParse(decoded(branch))
  return name.success ? { ...values, branch: encodeURIComponent(name.data) } : undefined
}

function queryOf({ query = [], dropped = [] }: RestOperation, given: string): string | { unknown: string } {
  const parameters = new URLSearchParams(given)
  for (const name of dropped) parameters.delete(name)
  for (const name of parameters.keys())
    if (!query.includes(name)) return { unknown: JSON.stringify(name.slice(0, 50)) }
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

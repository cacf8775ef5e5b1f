import type { ApiError } from '../../contract/admin-api/common.ts'

/** The labels of the console's fields, by their names in the API. */
export const LABELS = {
  name: 'Name',
  url: 'URL',
  label: 'Label',
  owner: 'Owner',
  principal: 'Operator',
  publicKey: 'Public key',
  reason: 'Reason',
  // Of a repository
  upstream: 'Upstream',
  identity: 'Identity',
  knownHosts: 'Known hosts',
  credential: 'Credential',
  proxy: 'Proxy',
  ca: 'Certificate authorities',
  forge: 'Kind of host',
  apiUrl: 'API of the host',
  webUrl: 'Web page',
  readRefs: 'Further refs to read',
  gitleaksConfig: 'gitleaks configuration',
  // Of a grant
  rules: 'Rules',
  denyPaths: 'Denied paths',
  ask: 'Pushes that wait for an approval',
  emails: 'Commit e-mail addresses',
  allowedSigners: 'Allowed signers',
  pushOptions: 'Forwarded push options',
  pullRequests: 'Bases of pull requests',
  hostApi: 'API of the host',
  maxBlobBytes: 'Maximum file size, in bytes',
} as const

const labels: ReadonlyMap<string, string> = new Map(Object.entries(LABELS))

/** A field at the beginning of a message, and the entry of a list: `denyPaths.0: `. */
const FIELD = /^([A-Za-z]+)(?:\.(\d+))?(?:\.[\w.]+)?: /

/**
 * Returns the problem of a request with the label of the form's field in place of its name in the API:
 * `Denied paths, entry 1: …` for `denyPaths.0: …`. A problem with another field stays.
 */
export function withLabel(problem: ApiError['error']): ApiError['error'] {
  const [start = '', name = '', entry] = FIELD.exec(problem.message) ?? []
  const label = problem.code === 'bad-request' ? labels.get(name) : undefined
  if (label === undefined) return problem
  const place = entry === undefined ? '' : `, entry ${Number(entry) + 1}`
  return { ...problem, message: `${label}${place}: ${problem.message.slice(start.length)}`, fix: '' }
}

import { z } from 'zod'
import './text/plain-errors.ts'

/** The paths that git requests under a repository's URL. */
const SERVICE = /(^|\/)(info\/refs|git-upload-pack|git-receive-pack)$/

/** Limits of a repository's name: hosts nest groups 20 deep, and file systems limit the length of a segment. */
const MAX_SEGMENTS = 20
const MAX_SEGMENT_LENGTH = 200
const MAX_NAME_LENGTH = 512

/** Returns why `name` is no name of a repository, or undefined if it is. */
function repositoryNameProblem(name: string): string | undefined {
  const segments = name.split('/')
  const [unexpected] = /[^A-Za-z0-9._~+/-]/u.exec(name) ?? []
  if (unexpected !== undefined)
    return `a repository name has letters, digits and . _ ~ + - only, not ${JSON.stringify(unexpected)}`
  if (segments.includes('')) return 'a repository name has no empty segment: no "//", no slash at an end'
  if (segments.length > MAX_SEGMENTS) return `a repository name has ${MAX_SEGMENTS} segments at most`
  if (name.length > MAX_NAME_LENGTH || segments.some(segment => segment.length > MAX_SEGMENT_LENGTH))
    return `a repository name has ${MAX_NAME_LENGTH} characters at most, a segment ${MAX_SEGMENT_LENGTH}`
  if (segments.some(segment => segment === '.' || segment === '..'))
    return 'no segment of a repository name is "." or ".."'
  if (segments.some(segment => segment.startsWith('-')))
    return 'no segment of a repository name starts with "-": /-/ is the gate itself'
  if (segments.some(segment => /\.git$/i.test(segment)))
    return 'no segment of a repository name ends in ".git": git takes that for the same repository'
  if (SERVICE.test(name))
    return 'a repository name does not end in info/refs, git-upload-pack or git-receive-pack: git asks for these itself'
  return undefined
}

/** A repository's name: path segments as hosts have them, such as github.com/acme/.github. */
export const RepositoryName = z
  .string()
  .refine(name => repositoryNameProblem(name) === undefined, {
    error: issue => `${repositoryNameProblem(String(issue.input))}`,
  })
  .brand<'RepositoryName'>()
export type RepositoryName = z.infer<typeof RepositoryName>

const simpleName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
    'a name is up to 63 of a-z, 0-9, ".", "_" and "-", and starts with a letter or digit',
  )
  .refine(
    name => !name.includes('..') && !/\.(lock)?$/.test(name),
    'a name must fit into a ref: no "..", no ending in "." or ".lock"',
  )

/** An agent's name. It is a valid ref component, since `{agent}` in a ref pattern expands to it. */
export const AgentName = simpleName.brand<'AgentName'>()
export type AgentName = z.infer<typeof AgentName>

export const IdentityName = simpleName.brand<'IdentityName'>()
export type IdentityName = z.infer<typeof IdentityName>

export const CredentialName = simpleName.brand<'CredentialName'>()
export type CredentialName = z.infer<typeof CredentialName>

/** An object id in lower-case hex: SHA-1, or SHA-256 in a repository of that object format. */
export const ObjectId = z
  .string()
  .regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, 'not an object id')
  .brand<'ObjectId'>()
export type ObjectId = z.infer<typeof ObjectId>

/** Returns whether git means no object by an id: it has zeros in the length of the repository's ids. */
export const isNullId = (id: string): boolean => /^0+$/.test(id)

/** Namespaces of refs that a push may name. In `refs/for/` a host takes a change for review (Gerrit, AGit). */
const PUSHABLE = /^refs\/(heads|tags|notes|for)\/[^/]/
export const isPushable = (ref: string): boolean => PUSHABLE.test(ref)

/** Returns whether upstream reads a push to the ref as a proposal: the ref itself never exists. */
export const isReviewRef = (ref: string): boolean => ref.startsWith('refs/for/')

/**
 * Returns why `name` is not an acceptable full ref name, or undefined if it is acceptable. The rules are
 * those of git-check-ref-format(1), in printable characters only.
 */
export function refNameProblem(name: string): string | undefined {
  if (/[\x00-\x20\x7f~^:?*[\\]/.test(name))
    return 'it has a space, a control character or one of ~ ^ : ? * [ \\'
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\ufffd]/u.test(name))
    return 'it has invisible or broken characters'
  if (name.includes('..') || name.includes('@{') || name.includes('//')) return 'it has "..", "//" or "@{"'
  if (name.endsWith('/') || name.endsWith('.')) return 'it ends with "/" or "."'
  if (name.split('/').some(part => part.startsWith('.') || part.endsWith('.lock')))
    return 'a component starts with "." or ends with ".lock"'
  if (name.length > 512) return 'it is longer than 512 characters'
  if (!PUSHABLE.test(name)) return 'only refs/heads/, refs/tags/, refs/notes/ and refs/for/ may be pushed'
  if (name === 'refs/heads/HEAD' || name.split('/').some(part => part.startsWith('-')))
    return 'a component is "HEAD" or starts with "-"'
  return undefined
}

/** The full name of a ref that a push may name. */
export const RefName = z
  .string()
  .refine(name => refNameProblem(name) === undefined, {
    error: issue => `${refNameProblem(String(issue.input))}`,
  })
  .brand<'RefName'>()
export type RefName = z.infer<typeof RefName>

const variable = (prefix: string, name: string) => `${prefix}_${name.toUpperCase().replaceAll(/[.-]/g, '_')}`

/**
 * Returns the name of the Worker's secret for an identity's private key: `GATE_IDENTITY_DEPLOY_KEY` for
 * `deploy-key`.
 */
export const identityVariable = (name: IdentityName): string => variable('GATE_IDENTITY', name)

/** Returns the name of the Worker's secret for a credential: `GATE_CREDENTIAL_ACME_BOT` for `acme-bot`. */
export const credentialVariable = (name: CredentialName): string => variable('GATE_CREDENTIAL', name)

/** A parsed token. The id is public; the secret has 190 random bits. */
export interface Token {
  readonly id: string
  /** The whole token, as its bearer sends it. The gate shows it once and never stores it. */
  readonly text: string
}

/** `gate` for agents, `gateadmin` for operators, so that neither kind passes for the other. */
export type TokenPrefix = 'gate' | 'gateadmin'

const LOWER = 'abcdefghijklmnopqrstuvwxyz234567'
const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const ID_LENGTH = 10
const SECRET_LENGTH = 32
const FORM = new RegExp(`^(gate|gateadmin)_([a-z2-7]{${ID_LENGTH}})_([A-Za-z0-9]{${SECRET_LENGTH}})$`)

/** Generates a token, `<prefix>_<id>_<secret>`. */
export function mintToken(prefix: TokenPrefix = 'gate'): Token {
  const id = randomText(LOWER, ID_LENGTH)
  return { id, text: `${prefix}_${id}_${randomText(BASE62, SECRET_LENGTH)}` }
}

/** Parses a token. Returns undefined for text of another form or prefix. */
export function parseToken(text: string, prefix: TokenPrefix = 'gate'): Token | undefined {
  const [, found, id] = FORM.exec(text) ?? []
  return found === prefix && id !== undefined ? { id, text } : undefined
}

/** Returns the SHA-256 of a token in lower-case hex. The ledger keeps only this hash. */
export async function hashToken(text: string): Promise<string> {
  return hex(await sha256(text))
}

/** Returns whether `hash` is the hash of `text` by hashToken. Compares in constant time. */
export async function isToken(text: string, hash: string): Promise<boolean> {
  const encoder = new TextEncoder()
  const digest = encoder.encode(await hashToken(text))
  const stored = encoder.encode(hash)
  return digest.byteLength === stored.byteLength && crypto.subtle.timingSafeEqual(digest, stored)
}

/** Returns whether two secrets are equal. Compares their SHA-256 in constant time. */
export async function equalSecrets(left: string, right: string): Promise<boolean> {
  return crypto.subtle.timingSafeEqual(await sha256(left), await sha256(right))
}

/** Returns `length` uniformly random characters of `alphabet`, which has 256 characters at most. */
function randomText(alphabet: string, length: number): string {
  const fair = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length)
    for (const byte of crypto.getRandomValues(new Uint8Array(length)))
      if (byte < fair && text.length < length) text += alphabet[byte % alphabet.length]
  return text
}

const sha256 = (text: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))

const hex = (bytes: ArrayBuffer) =>
  Array.from(new Uint8Array(bytes), byte => byte.toString(16).padStart(2, '0')).join('')

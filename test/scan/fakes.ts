import { randomBytes, randomInt } from 'node:crypto'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'

const pick = (alphabet: string, length: number) =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')

/** A new text in the form of a GitHub personal access token. */
export const githubToken = () => `ghp_${pick(LETTERS + DIGITS, 36)}`

/** A new text in the form of an AWS access key id. */
export const awsKeyId = () => `AKIA${pick('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}`

/** A new text in the form of a private key; it is none. */
export const privateKey = (kind = 'RSA ') => {
  const lines = Array.from({ length: 12 }, () => randomBytes(48).toString('base64'))
  return [`-----BEGIN ${kind}PRIVATE KEY-----`, ...lines, `-----END ${kind}PRIVATE KEY-----`, ''].join('\n')
}

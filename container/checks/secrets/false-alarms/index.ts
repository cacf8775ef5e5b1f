import type { LocatedMatch } from '../gitleaks/locate.ts'
import { isByChance } from './chance.ts'
import { isKnownKey } from './known-keys.ts'
import { isChecksumLine, isChecksumOfFile } from './lock-lines.ts'
import { isHarmlessName, isStrongName, nameBefore, textBefore } from './names.ts'
import {
  isCertificate,
  isCode,
  isCutToken,
  isElided,
  isEncrypted,
  isHashed,
  isHashedFile,
  isQuotedPrintable,
  isReference,
  isTemplate,
  isTestId,
  isWeakPassword,
  isWords,
} from './placeholders.ts'
import {
  isBrowserKey,
  isExpiredJwt,
  isPublicJwt,
  isSearchKey,
  isSiteKey,
  PUBLIC_PREFIX,
} from './public-keys.ts'
import { isPlaceholder, isRandom } from './randomness.ts'
import { isCall, isId, keyMaterial, userAndPassword } from './values.ts'

/** A reason why a match is no secret, and the rules whose matches it can explain. */
interface FalseAlarm {
  readonly reason: string
  readonly rules: (rule: string) => boolean
  readonly applies: (match: LocatedMatch) => boolean
}

const only =
  (...rules: readonly string[]) =>
  (rule: string) =>
    rules.includes(rule)

/** Rules that find a value by the words beside it. A token of a service's own form is never judged by its looks. */
const isGeneric = (rule: string) => rule.startsWith('generic-')
/** Rules for random values after the name of a key. */
const KEYS = only('generic-api-key', 'generic-spaced-key')
/** Rules for passwords, which people think up. */
const PASSWORDS = only('generic-password', 'generic-spaced-password', 'generic-url-password')
/** Rules for passwords in files that hold nothing else. */
const PASSWORD_FILES = only('netrc-password', 'pgpass-password', 'npmrc-auth')
/** Rules that find JSON web tokens. */
const JWTS = only('jwt', 'generic-api-key', 'generic-authorization', 'generic-query', 'curl-auth-header')
/** gitleaks' rules for a service's name and any value of a certain length after it. */
const isNamed = ({ rule, match, secret }: LocatedMatch) =>
  !isGeneric(rule) && /^[\w.-]{3,}[\s"'\])]*[=:>|,?]/.test(match) && !match.startsWith(secret)

/**
 * Every reason for which the gate takes a match of its own and gitleaks' rules for no secret. An operator's rules are
 * not judged. The reasons look at the value itself, or at the shape of its whole line: no path, no comment and no word
 * beside a key makes it harmless.
 */
const FALSE_ALARMS: readonly FalseAlarm[] = [
  {
    reason: 'a checksum in a line of a lock or sum file',
    rules: rule => isGeneric(rule),
    applies: ({ text, secret, item, encodings }) =>
      isChecksumLine(text) || (encodings.length === 0 && isChecksumOfFile(item.path, text, secret)),
  },
  {
    reason: 'random bytes that look like a short name and a value',
    rules: only('generic-password', 'generic-spaced-password'),
    applies: isByChance,
  },
  {
    reason: 'a key of documentation that everyone has',
    rules: rule => isGeneric(rule) || rule === 'ethereum-private-key' || rule === 'azure-storage-key',
    applies: ({ secret }) => isKnownKey(secret),
  },
  {
    reason: 'a name that says the value is no secret: a public key, an id, a checksum, a key of a cache',
    rules: KEYS,
    applies: match => isHarmlessName(nameBefore(match)),
  },
  {
    reason: 'a token of a form in a web page, which guards against forged requests',
    rules: only('generic-element'),
    applies: ({ match }) => /csrf|xsrf|authenticity|verification_?token|viewstate/i.test(match),
  },
  {
    reason: 'the digest of a public key that names an assembly of .NET',
    rules: only('generic-element', 'generic-api-key'),
    applies: ({ match, secret }) =>
      /PublicKeyToken/i.test(match) && /^\W{0,2}[0-9a-f]{16}\W{0,2}$/i.test(secret),
  },
  {
    reason: 'a hash, an id or a name after a word such as `key` or `access` alone',
    rules: only('generic-api-key'),
    applies: match => !isStrongName(nameBefore(match)) && (isId(match.secret) || !isRandom(match.secret, 16)),
  },
  {
    reason: 'a variable, a template, or a reference to a store of secrets',
    rules: rule => isGeneric(rule) || PASSWORD_FILES(rule) || rule.startsWith('curl-auth'),
    applies: ({ secret }) => isReference(secret.replace(/^["']|["']$/g, '')),
  },
  {
    reason: 'expressions of a template in place of a value',
    rules: () => true,
    applies: ({ secret }) => isTemplate(secret),
  },
  {
    reason: 'a value whose middle or end is left out',
    rules: isGeneric,
    applies: ({ secret }) => isElided(secret),
  },
  {
    reason: 'a token of the gate, cut off after its id',
    rules: PASSWORDS,
    applies: ({ secret }) => isCutToken(secret),
  },
  {
    reason: 'the id of a test',
    rules: PASSWORDS,
    applies: ({ secret }) => isTestId(secret),
  },
  {
    reason: 'an encrypted value',
    rules: isGeneric,
    applies: ({ secret }) => isEncrypted(secret),
  },
  {
    reason: 'text in quoted-printable, which is scanned without its escapes too',
    rules: isGeneric,
    applies: ({ secret, text }) => isQuotedPrintable(secret, text),
  },
  {
    reason: 'a certificate or a public key in base64',
    rules: rule => isGeneric(rule) || rule === 'kubernetes-secret-yaml',
    applies: ({ secret }) => isCertificate(secret.replace(/^[\w.-]+: ["']?/, '')),
  },
  {
    reason: "a file's name with a digest in it",
    rules: KEYS,
    applies: ({ secret }) => isHashedFile(secret),
  },
  {
    reason: 'the hash of a password',
    rules: isGeneric,
    applies: ({ secret }) => isHashed(secret),
  },
  {
    reason: 'code in place of a value',
    rules: isGeneric,
    applies: ({ secret, text }) => isCode(secret) || isCall(secret, text),
  },
  {
    reason: 'a key that is made to be public, by its prefix',
    rules: rule => isGeneric(rule) || rule === 'mapbox-api-token',
    applies: ({ secret }) => PUBLIC_PREFIX.test(secret),
  },
  {
    reason: 'a site key of a captcha',
    rules: isGeneric,
    applies: match => isSiteKey(nameBefore(match), match.secret),
  },
  {
    reason: 'a Google key in the configuration of a web page or an app',
    rules: only('gcp-api-key', 'generic-api-key'),
    applies: match =>
      /^AIza[\w-]{35}$/.test(match.secret) && isBrowserKey(`${textBefore(match)} ${match.match}`),
  },
  {
    reason: "Algolia's key for searches",
    rules: only('algolia-api-key', 'generic-api-key'),
    applies: match =>
      /^[0-9a-f]{32}$/i.test(match.secret) && isSearchKey(`${nameBefore(match)} ${match.match}`),
  },
  {
    reason: 'a token that its signed claims call public, or an example',
    rules: JWTS,
    applies: ({ secret }) => isPublicJwt(secret),
  },
  {
    reason: 'a token that its signed claims let expire a day ago or earlier',
    rules: JWTS,
    applies: ({ secret }) => isExpiredJwt(secret),
  },
  {
    reason: 'words in place of a password',
    rules: PASSWORDS,
    applies: ({ secret }) => {
      const pair = /^basic /i.test(secret) ? userAndPassword(secret.slice('basic '.length)) : undefined
      return isWeakPassword(pair === undefined ? secret : pair.slice(pair.indexOf(':') + 1))
    },
  },
  {
    reason: 'words in place of a user and a password, in base64',
    rules: only('generic-authorization', 'docker-config-auth'),
    applies: ({ secret, match }) => {
      const pair = userAndPassword(secret)
      return pair === undefined
        ? /\bbasic\s/i.test(match) && isWords(secret)
        : isWeakPassword(pair.slice(pair.indexOf(':') + 1))
    },
  },
  {
    reason: 'nothing but words in a file of passwords',
    rules: PASSWORD_FILES,
    // In code, the end of the line is written as an escape.
    applies: ({ secret }) => isPlaceholder(secret.replace(/\\[nrt]/g, ' ')),
  },
  {
    reason: "nothing but words in a command's header or user",
    rules: only('curl-auth-header', 'curl-auth-user'),
    applies: ({ secret }) => isPlaceholder(userAndPassword(secret) ?? secret),
  },
  {
    reason: 'words in place of a key',
    rules: isGeneric,
    applies: ({ rule, secret, match }) => {
      if (PASSWORDS(rule)) return false
      const isPassword = /passw|pwd|sshpass|mysql|docker|curl|redis-cli|lftp|sudo/i.test(match) && !KEYS(rule)
      const pair = userAndPassword(secret)
      if (pair !== undefined) return isWeakPassword(pair.slice(pair.indexOf(':') + 1))
      return isPassword ? isWeakPassword(secret) : isWords(secret)
    },
  },
  {
    reason: "words in place of a key, after a service's name",
    rules: rule =>
      !isGeneric(rule) && !PASSWORD_FILES(rule) && rule !== 'private-key' && rule !== 'jwt-base64',
    applies: match =>
      isNamed(match) &&
      /^[\w.=-]+$/.test(match.secret) &&
      /^[A-Za-z_.-]+$/.test(match.secret) &&
      isWords(match.secret),
  },
  {
    reason: 'the frame of a private key without a key in it',
    rules: only('private-key', 'ssh2-private-key'),
    applies: ({ secret }) => keyMaterial(secret) < 60,
  },
]

/** Returns the reason why a match is no secret; undefined: it is one. */
export const falseAlarm = (match: LocatedMatch): string | undefined =>
  FALSE_ALARMS.find(({ rules, applies }) => rules(match.rule) && applies(match))?.reason

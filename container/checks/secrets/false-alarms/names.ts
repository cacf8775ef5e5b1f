import type { LocatedMatch } from '../gitleaks/locate.ts'

/** The text of a match's line before its secret. */
export function textBefore({ text, secret, match }: LocatedMatch): string {
  const start = secret.split('\n')[0] ?? ''
  // A line can hold the secret's text twice. The match says which is meant.
  const lines = match.split('\n')
  const own = lines.find(line => line.includes(start)) ?? ''
  const matchAt = text.indexOf(own)
  const position = matchAt < 0 ? text.indexOf(start) : matchAt + own.indexOf(start)
  const before = position < 0 ? '' : text.slice(Math.max(0, position - 200), position)
  const isBelowName = own.indexOf(start) <= 3 && lines.length > 1
  return isBelowName ? `${lines.slice(0, lines.indexOf(own)).join(' ')} ${before}` : before
}

/** Returns the name before a value: of `"my.api_key": "`, `my.api_key`. */
export function nameBefore(match: LocatedMatch): string {
  const before = textBefore(match).replace(/[\s"'`=:>|,?\\({[\])]+$/, '')
  return /[\w.$-]+(?:[ \t][\w.$-]+){0,3}$/.exec(before)?.[0] ?? ''
}

/** Parts of names whose values are no secrets: the list of gitleaks for its generic rule, and further parts. */
const HARMLESS_PART =
  /access(?:ibility|or)|access[_.-]?id|random[_.-]?access|api[_.-]?(?:id|name|version)|rapid|capital|author|X-MS-Exchange-Organization-Auth|Authentication-Results|credentials?[_.-]?id|withCredentials|(?:bucket|foreign|hot|idx|natural|primary|pub(?:lic)?|schema|sequence|cache|restore|idempotency|partition|i18n|translation)[_.-]?key|turkey|key[_.-]?(?:alias|board|code|frame|id|length|mesh|name|pair|press(?:ed)?|ring|selector|signature|size|stone|storetype|word|up|down|left|right)|key[_.-]?vault[_.-]?(?:id|name)|keyVaultToStoreSecrets|key(?:store|tab)[_.-]?(?:file|path)|issuerkeyhash|[DdMm]onkey|MONKEY|keying|secret[_.-]?(?:length|name|size)|UserSecretsId|(?:csrf|xsrf|authenticity)[_.-]?token|jjwt|websocket[_.-]?(?:key|accept)|(?:api|credentials|token)[_.-]?(?:endpoint|ur[il])|public[_.-]?token|(?:key|token)[_.-]?file/i

/** Ends of a name that say its value is an id, a digest, a public key or a place, and no secret. */
const HARMLESS_END =
  /(?:access[_.-]?(?:mode|level|type|control)|api[_.-]?(?:path|base|host|url)|auth[_.-]?(?:type|method|mode|domain|uri|url)|(?:sort|group|map|object|lookup|index|row|unique|dedup\w*|react|site|search[_.-]?only[_.-]?api|search|query|publishable|anon|browser|deploy|host|ssh)[_.-]?keys?|key[_.-]?(?:type|path|prefix|hash|usage|version|ref)|secret[_.-]?(?:arn|id|ref|path)|(?:next|page|continuation|cancel\w*|sync|cursor)[_.-]?tokens?|token[_.-]?(?:id|type|name|kind|hash|count|limit|length)|secret[_.-]?file|(?:cookie|session)[_.-]?(?:name|id|path|domain)|(?:finger|thumb)print|sha\d{0,3}|checksum|digest|hash(?:ed)?|integrity|etag|revision|(?:^|\s)commit|uuid|guid|(?:client|user|account|tenant|project|app)[_.-]?id|kid|x5t|jti|nonce|iv)$/i

/** Names whose values are secrets. Other names, such as `key`, can name any kind of key. */
const STRONG =
  /secret|token|passw|passphrase|pwd|api[_.-]?key|apikey|app[_.-]?key|auth[_.-]?key|access[_.-]?key|private[_.-]?key|credential|creds|bearer|jwt|salt|pepper|signing|encrypt|master|admin|client[_.-]?(?:auth|cred)|license|service[_.-]?(?:role|key|account)|webhook|[_.-]pat$|dsn|[_-]key$|account[_.-]?key|[a-z]Key$/i

export const isHarmlessName = (name: string): boolean =>
  HARMLESS_PART.test(/\S*$/.exec(name)?.[0] ?? '') || HARMLESS_END.test(name)
export const isStrongName = (name: string): boolean => STRONG.test(name)

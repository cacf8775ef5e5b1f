import { isRandom, isStrongPassword } from './randomness.ts'

/** A value that stands for another: a variable, a template, a reference to a store of secrets. */
const REFERENCE =
  /^(?:\$\{?[\w.:?-]+\}?|\$\(.*|\$\{\{.*|#\{.*|%\{?[\w.]+\}?%?|\{\{.*|<%.*|<[^<>]+>|\[[^\]]*\]|@\w+@|__\w+__|\*+|\.{2,}.*|x{3,}|process\.env.*|os\.(?:environ|getenv).*|env[.([].*|ENV[.([].*|getenv.*|import\.meta.*|secrets?[.([].*|vars?\..*|config[.([].*|settings?\..*|self\..*|this\..*|data\..*|local\..*|module\..*|var\..*|!(?:vault|Ref|Sub|GetAtt|ImportValue|reference|env\w*|secret|include).*)$/i
/** The beginning of a token in JSON, cut off. */
const TRUNCATED = /^(?:ops_)?eyJ[\w-]*\.{2,}/
/** References by the form of their address: 1Password, Vault, cloud stores, files. */
const STORED =
  /^(?:op|vault|awssm|aws-sm|awsssm|gcp-?sm|gcpsecrets?|azurekv|akv|doppler|infisical|keyring|secretref|ref\+\w+|k8s|sops|bws|berglas|chamber|ssm|sm|file|env|kms|secretsmanager|keepass|pass|lastpass):(?:\/\/|[\w/#.-]*\/)|^https?:\/\/[^@\s?]*$|^arn:aws[\w-]*:|^projects\/[\w-]+\/secrets\/|^@Microsoft\.KeyVault\(|^\{\{resolve:|^\/run\/secrets\/|^\/(?:etc|var|home|opt|usr|tmp|mnt|srv|root)\/|^\.{0,2}\/[\w./-]+$/i
/** Values that are encrypted: sops, Jasypt, eyaml, Spring, Maven, dotenvx, ansible-vault, sealed secrets. */
const ENCRYPTED =
  /^(?:ENC\[|ENC\(|\{cipher\}|\{[A-Za-z0-9+/]{16,}={0,2}\}?$|encrypted:|\$ANSIBLE_VAULT|-----BEGIN (?:AGE|PGP|PKCS7)|Ag[A-D][A-Za-z0-9+/]{100,})/
/** Hashes of passwords in code and data. Files of password lines have a rule of their own. */
const HASHED =
  /^(?:\$(?:2[abxy]|argon2\w*|pbkdf2[\w-]*|scrypt|apr1|[156y]|gy)\$|pbkdf2[_:]|\{S?SHA\d*\}|\{(?:bcrypt|noop|MD5|CRYPT)\}|scrypt:|argon2)/
/** Code in place of a value: a call, a member, an operator. */
const CODE =
  /^(?:[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)*\??[([].*|(?:::)?[A-Za-z_$][\w$]*(?:(?:\??\.|::|->)[A-Za-z_$][\w$]*)+[;,)]*|[&*!][A-Za-z_]\w*|\+.*|.*\$\{[^}]*\}.*|.*\{\{.*\}\}.*|.*<[\w -]+>.*|.*#\{.*\}.*|.*%[sdvq]\b.*)$/

/** A template's expression: a variable, a member, or a call with short arguments. */
const EXPRESSION = /\$\{([A-Za-z_$][\w$.]{0,40})(?:\([\w\s,.]{0,30}\))?\}/g
/** A token of the gate whose secret part is cut off. Its id is public. */
const CUT_TOKEN = /^gate_[a-z0-9]{10}_\w{0,6}…$/
/** Both ends of a value in hex, and three dots, perhaps around a word, in place of the rest. */
const ELIDED = /^[0-9a-f]{4,16}\.{3}(?:[a-z]{1,8}\.{3})?[0-9a-f]{4,16}$/i

/** Returns whether a value has expressions of a template, and nothing random in or beside them. */
export function isTemplate(value: string): boolean {
  const names = [...value.matchAll(EXPRESSION)].map(([, name = '']) => name)
  return names.length > 0 && ![...names, value.replace(EXPRESSION, ' ')].some(each => isRandom(each, 8))
}
/** A name of a file with a digest in it, as build tools write it. */
const HASHED_FILE = /^[\w./-]*[-._][0-9a-f]{8,64}(?:\.[a-z][a-z0-9]{1,5}){1,3}$/i
/** The beginning of a value, and dots in place of the rest. A shorter part is no use. */
const CUT_OFF = /^[^.]{1,24}\.{3,}$/
/** A blank or an equals sign in quoted-printable (RFC 2045, section 6.7). */
const QUOTED = /=20|=3D/g
/** The rest of such an escape, or of a soft line break before it, at the beginning of a value. */
const QUOTED_START = /^=?(?:2?0=|3?D=|20|3D)/
/** Base64 of a certificate, a request for one or a public key. Its decoded text is scanned too. */
const CERTIFICATE = /^LS0tLS1CRUdJTi(?:BDRVJUSUZJQ0FURS|BDRVJUSUZJQ0FURSBSRVFVRVNU|BQVUJMSUMgS0VZ)/

/** Returns whether a value is text in quoted-printable: the line is scanned without its escapes too. */
export const isQuotedPrintable = (value: string, line: string): boolean =>
  QUOTED_START.test(value) && (line.match(QUOTED)?.length ?? 0) >= 2
export const isHashedFile = (value: string): boolean => HASHED_FILE.test(value)
export const isCertificate = (value: string): boolean => CERTIFICATE.test(value)
export const isCutToken = (value: string): boolean => CUT_TOKEN.test(value)
export const isElided = (value: string): boolean => ELIDED.test(value) || CUT_OFF.test(value)

export const isReference = (value: string): boolean =>
  STORED.test(value) ||
  TRUNCATED.test(value) ||
  (REFERENCE.test(value) && !isRandom(value.replace(/^\$\{?|[<>[\]{}]/g, ''), 16))
/** Returns whether a value is the id of a test in pytest's form, file.py::name. */
export function isTestId(value: string): boolean {
  const [, name] = /^[\w./-]+\.py::([\w:.[\]-]+)$/.exec(value) ?? []
  return name !== undefined && isWords(name)
}
export const isEncrypted = (value: string): boolean => ENCRYPTED.test(value)
export const isHashed = (value: string): boolean => HASHED.test(value)
export const isCode = (value: string): boolean => CODE.test(value) && !isRandom(value, 20)

/** Returns whether a value is words, not a generated key: as it is, or as the text that it is base64 of. */
export function isWords(value: string): boolean {
  if (!isRandom(value)) return true
  const text = /^[A-Za-z0-9+/_-]{12,}={0,2}$/.test(value)
    ? Buffer.from(value, 'base64').toString('latin1')
    : ''
  return /^[\x20-\x7e]{8,}$/.test(text) && !isRandom(text)
}

/** Returns whether a value is no password to keep secret: as it is, or without the escapes of a URL. */
export const isWeakPassword = (value: string): boolean => !isStrongPassword(withoutEscapes(value))

/** Decodes the escapes of a URL. A sign that is no escape stays, as it does in tests of encoders. */
const withoutEscapes = (value: string): string =>
  value.replace(/(?:%[0-9a-f]{2})+/gi, escapes =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  )

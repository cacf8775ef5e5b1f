import { withoutLikelySecrets, withoutTokens } from '../../../src/contract/text/unscanned-text.ts'

/**
 * Limits for text that the secret scan has not checked, in characters: how much is searched for secrets, and
 * how much of that is kept.
 */
const UNSCANNED = { read: 4_000, kept: 512 }

/**
 * The form in which a push's texts are recorded. Until the secret scan has checked them, likely secrets are removed from
 * all of them; afterwards only the secrets that it found in ref names.
 */
export class RecordedText {
  /** True once the secret scan has checked every ref name and text of the push. */
  isScanned = false
  /** Refs whose names contain a secret, with the redacted form of each. */
  readonly secretRefs = new Map<string, string>()

  ref(name: string): string {
    const redacted = this.secretRefs.get(name)
    if (redacted !== undefined || this.isScanned) return redacted ?? name
    return withoutLikelySecrets(name.slice(0, UNSCANNED.read)).slice(0, UNSCANNED.kept)
  }

  /** A line for the client. It may quote any text of the push. */
  line(line: string): string {
    return this.isScanned ? withoutTokens(line) : withoutLikelySecrets(line)
  }

  /** The reason of a ref's status, shortened to `maxLength` characters. */
  reason(reason: string, maxLength: number): string {
    const shortened = this.withoutSecretRefs(reason).slice(0, maxLength)
    return this.isScanned ? shortened : withoutLikelySecrets(shortened)
  }

  /** Redacts the refs with secrets in a reason: the reason of a ref names the ref that was refused. */
  withoutSecretRefs(reason: string): string {
    if (this.secretRefs.size === 0) return reason
    let redacted = reason
    for (const [ref, shown] of this.secretRefs) redacted = redacted.replaceAll(ref, shown)
    // A reason is cut at a length, and the ref in it too.
    return withoutLikelySecrets(redacted)
  }
}

import { REDACTED, withoutLikelySecrets } from '../../../../src/contract/text/unscanned-text.ts'
import type { DiffMask } from '../../../held/diff-masks.ts'
import type { ScanResult } from '../scan/scan-job.ts'
import { Redactor } from './redactor.ts'

/**
 * Returns the secrets that texts of the push must not show; undefined: its texts cannot be shown. A secret that was found
 * in a decoded form may be spread over the text in any way.
 */
export function diffMaskOf({ newFindings, secrets }: ScanResult): DiffMask | undefined {
  if (newFindings.some(({ encodings }) => encodings.length > 0)) return undefined
  return new Redactor(secrets).isComplete ? { secrets: [...secrets] } : undefined
}

/** Removes secrets from the texts of a diff. */
export interface TextMask {
  /** Returns a line of a diff, or only its first character and `[redacted]`. */
  line(text: string): string
  /** Returns the subject of a commit, a name or a path. */
  name(text: string): string
}

const HUNK = /^@@ -[\d,]+ \+[\d,]+ @@/

/** Returns the mask of a scanned push; without `mask`, the mask of names in a push that was not scanned. */
export function textMask(mask: DiffMask | undefined): TextMask {
  if (!mask) return { line: text => text.slice(0, 1) + REDACTED, name: withoutLikelySecrets }
  const redactor = new Redactor(mask.secrets)
  return {
    line: text => {
      const prefixLength = (HUNK.exec(text)?.[0] ?? '').length || 1
      return text.slice(0, prefixLength) + redactor.redactLine(text.slice(prefixLength))
    },
    name: text => redactor.redactLine(text),
  }
}

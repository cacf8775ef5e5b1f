/** A scan file that takes more texts. */
export interface KeywordFile {
  /** The keywords of rules that its texts have: gitleaks tries each of these rules on all of the file. */
  readonly keywords: ReadonlySet<string>
  /** Its length in bytes. */
  readonly size: number
}

/** The most files of one name that take texts at once. */
const MAX_FILES = 8
/**
 * The work for which another file is begun, in bytes that a rule of gitleaks reads in vain. Below it, the file itself is
 * more work.
 */
const WORTH_A_FILE = 250_000

/**
 * Returns the file that a text of these keywords is added to: there, rules read the fewest bytes of the text and of the
 * file in vain. Undefined: a new one.
 */
export function similarFile<F extends KeywordFile>(
  files: readonly F[],
  keywords: ReadonlySet<string>,
  size: number,
): F | undefined {
  let best: F | undefined
  let leastWork = Number.POSITIVE_INFINITY
  for (const file of files) {
    let added = 0
    for (const keyword of keywords) if (!file.keywords.has(keyword)) added++
    const work = added * file.size + (file.keywords.size + added - keywords.size) * size
    if (work < leastWork) {
      best = file
      leastWork = work
    }
  }
  return leastWork > WORTH_A_FILE && files.length < MAX_FILES ? undefined : best
}

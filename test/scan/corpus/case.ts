/** A clone that a case works in. Its repository has one commit on `main`. */
export interface Work {
  readonly dir: string
  git(...args: readonly string[]): Promise<string>
  write(path: string, content: string | Buffer): Promise<void>
  /** Commits all files of the work tree. Returns the commit's id. */
  commit(message?: string): Promise<string>
  /** Pushes the refspecs to upstream without any check, as if upstream had them. */
  publish(...refspecs: readonly string[]): Promise<void>
}

/** The refspecs that a case pushes, and its fake secrets, which no output may show. */
export interface Made {
  readonly refspecs: readonly string[]
  readonly secrets: readonly string[]
}

export const onMain = (...secrets: readonly string[]): Made => ({
  refspecs: ['HEAD:refs/heads/main'],
  secrets,
})

/** The only file of a commit, and its fake secrets. */
export interface OneFile {
  readonly path: string
  readonly content: string | Buffer
  readonly secrets: readonly string[]
}

/** A push. Every run creates its own secrets. */
export type Case = { readonly name: string } & (
  | { make(work: Work): Promise<Made> }
  // One process makes the commits of many such cases.
  | { file(): OneFile }
)

/** Makes a case in its clone. */
export async function makeIn(work: Work, each: Case): Promise<Made> {
  if ('make' in each) return each.make(work)
  const { path, content, secrets } = each.file()
  await work.write(path, content)
  await work.commit()
  return onMain(...secrets)
}

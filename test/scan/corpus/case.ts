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

/** A push. Every run creates its own secrets. */
export interface Case {
  readonly name: string
  make(work: Work): Promise<Made>
}

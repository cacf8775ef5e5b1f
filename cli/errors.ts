/** What stops a command: the thing, then the remedy, both for a person to read. */
export class Complaint extends Error {
  readonly fix: string
  /** A word for programs, as the API gives it. */
  readonly code: string
  constructor(message: string, fix = '', code = 'failed') {
    super(message)
    this.fix = fix
    this.code = code
  }
}

/** The command line itself is wrong: exit 2. */
export class UsageComplaint extends Complaint {}

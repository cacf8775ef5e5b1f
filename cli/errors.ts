/** An error of a command: a message for the operator, and how to fix it. */
export class CliError extends Error {
  readonly fix: string
  /** The API's error code, or the command's own. `bad-request`: the message begins with the API's name of the field. */
  readonly code: string
  constructor(message: string, fix = '', code = 'failed') {
    super(message)
    this.fix = fix
    this.code = code
  }
}

/** An invalid command line, with exit code 2. */
export class UsageError extends CliError {}

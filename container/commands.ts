import { ObjectId, RefName, ZERO_ID } from '../src/contract/names.ts'

/** One line of a push's command list: `<old> <new> <ref>` (gitprotocol-pack(5)). */
export interface Command {
  readonly ref: RefName
  readonly old: ObjectId
  readonly new: ObjectId
}

/** What a receive-pack request asks for, before its pack. */
export interface CommandList {
  readonly commands: readonly Command[]
  readonly capabilities: ReadonlySet<string>
  /** The client's `agent=` capability. */
  readonly client: string
  readonly pushOptions: readonly string[]
}

export const isDelete = (command: Command) => command.new === ZERO_ID
export const isCreate = (command: Command) => command.old === ZERO_ID
export const isTag = (command: Command) => command.ref.startsWith('refs/tags/')

export { ObjectId, RefName, ZERO_ID }

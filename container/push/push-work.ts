import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { Check } from '../checks/index.ts'
import type { PushClient } from '../client/push-client.ts'
import type { OpenReceivePack } from '../forward/receive-pack.ts'
import type { HeldPushes } from '../held/held-pushes.ts'
import type { Journal } from '../journal/journal.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { MemoryBudget } from '../process/memory-budget.ts'
import type { Settings } from '../settings.ts'
import type { Credentials } from '../upstream/https/credentials.ts'
import type { Link } from '../upstream/link.ts'
import type { PushStateMachine } from './push-state.ts'
import type { PushRecorder } from './record/push-recorder.ts'
import type { WorkerChannel } from './worker-channel.ts'

/** The parts of the companion that all pushes share. */
export interface PushServices {
  readonly settings: Settings
  readonly memory: MemoryBudget
  readonly checks: readonly Check[]
  readonly journal: Journal
  readonly held: HeldPushes
  readonly credentials: Credentials
}

/** The state of one push, and the services that it uses. */
export interface PushWork {
  readonly services: PushServices
  readonly pass: PassFor<'git-receive-pack'>
  readonly client: PushClient
  readonly worker: WorkerChannel
  readonly state: PushStateMachine
  readonly recorder: PushRecorder
  readonly mirror: Mirror
  /** Opens git-receive-pack at upstream, or returns the session that was opened with the advertisement. */
  readonly openReceivePack: () => Promise<OpenReceivePack>
  readonly linkTo: () => Promise<Link>
}

import type { FarMachine } from '../harness/index.ts'
import type { Fault } from './fault.ts'

/** Upstream's host is gone from the network, with the gate's open connection to it. */
export const cutOff = (machine: FarMachine): Fault => ({
  words: 'upstream’s network cut (namespace), before the push',
  inject: async () => cut(machine),
})

export const cutOffInForward = (machine: FarMachine): Fault => ({
  words: 'upstream’s network cut (namespace)',
  phase: 'during the forward',
  inject: async () => cut(machine),
})

function cut(machine: FarMachine): () => void {
  machine.cut()
  return machine.mend
}

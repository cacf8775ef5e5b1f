// The harness for tests of the whole gate.
export type { Clone, Files } from './clone.ts'
export { type FarMachine, farMachine } from './far-machine.ts'
export { type FaultyLink, faultyLink } from './faulty-link.ts'
export { type Agent, type Gate, type GateOptions, startGate } from './gate.ts'
export { accepted, git, gitText, type Ran, type RunningGit, rejected } from './git.ts'
export { megabytes, seconds } from './units.ts'
export { until } from './until.ts'
export { type Address, startUpstream, type Upstream } from './upstream.ts'

import path from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The files that take longest, and begin first: a long file that begins late keeps the other workers idle at
 * the end of the run. Files that mostly wait alternate with files that keep a processor busy. Vitest knows how
 * long a file takes from an earlier run only, and a fresh clone has none.
 */
const FIRST = [
  'edge/docker',
  'scan/through-the-gate',
  'faults/network',
  'git/clients',
  'faults/clients/closing',
  'scan/bombs',
  'edge/container-lifecycle',
  'start/demo-agent',
  'edge/mirror-seed',
  'faults/gate',
  'faults/events',
  'mirror/mirror',
  'faults/clients/slow-clients',
  'remedies/secrets',
  'faults/clients/client',
  'scan/text/decode',
  'start/stop',
  'console/review/pushes',
  'console/accessibility',
  'start/start',
  'remedies/situations',
  'upstreams/https-upstream',
  'faults/upstream',
  'scan/large-push',
  'agent/scripted-agent',
  'scan/findings',
  'console/review/pending-findings',
  'start/refuse',
  'grants/rules',
  'mirror/during-first-fetch',
  'cli/commands',
  'faults/concurrency',
  'api/webhooks',
  'edge/isolated-repositories',
]

const test = path.dirname(path.dirname(import.meta.dirname))
const rank = ({ moduleId }: TestSpecification) => {
  const name = path.relative(test, moduleId).replace(/(\.unit)?\.test\.ts$/, '')
  const place = FIRST.indexOf(name)
  return place < 0 ? FIRST.length : place
}

/** Runs long test files first. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    // Array.sort is stable.
    return sorted.sort((a, b) => rank(a) - rank(b))
  }
}

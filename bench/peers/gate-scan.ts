import fs from 'node:fs'
import path from 'node:path'
import { createScanQueue } from '../../container/lfs/scan-queue.ts'
import { Upstream } from '../../src/contract/companion-api/pass.ts'
import { Oid } from '../../src/contract/lfs.ts'
import { gitleaks } from '../bench-fixture.ts'

const SETTINGS = { gitleaks, seconds: 1_800, maxBlobBytes: 200 << 20, fingerprintKey: 'bench' }

const DECISIONS = {
  repository: Upstream.parse({
    name: 'bench',
    url: 'ssh://git@localhost/bench.git',
    identity: null,
    knownHosts: '',
    credential: null,
    ca: '',
    proxy: '',
    staleReads: false,
  }),
  exceptions: [],
  gitleaksConfig: '',
}

/**
 * Scans LFS objects as the gate does, without a gate: all of them wait at once, so their groups are the largest that the
 * gate makes. `scratch` does not exist yet. Throws if an object is refused.
 */
export async function scanAsGate(objects: string, scratch: string): Promise<void> {
  const git = { dir: objects, env: {} }
  const queue = createScanQueue(SETTINGS, git, scratch, new AbortController().signal)
  const files = fs.readdirSync(objects, { recursive: true, withFileTypes: true })
  const verdicts = files
    .filter(file => file.isFile())
    .map(({ parentPath, name }) => {
      const file = path.join(parentPath, name)
      return queue.scan({ oid: Oid.parse(name), size: fs.statSync(file).size }, file, DECISIONS)
    })
  for (const { refusal } of await Promise.all(verdicts)) if (refusal !== undefined) throw new Error(refusal)
}

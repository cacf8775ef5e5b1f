import { mkdir } from 'node:fs/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { createGit } from '../../../../git/git.ts'
import { inheritGroup } from '../../../../process/spawn.ts'
import { ObjectReader } from '../../../objects/object-reader.ts'
import { Budget } from '../../bytes/budget.ts'
import { scanConfig } from '../../gitleaks/config.ts'
import { Batches } from '../batches.ts'
import { toFailure } from '../failure.ts'
import { PhaseSender } from '../phase-sender.ts'
import { scanShare } from './scan-share.ts'
import type { ShareJob, ShareMessage } from './share-client.ts'

inheritGroup()

const post = (message: ShareMessage) => parentPort?.postMessage(message)
// The client terminates the thread, so nothing in it needs to end by itself.
const { signal } = new AbortController()

async function scanHere(job: ShareJob): Promise<ShareMessage> {
  using phases = new PhaseSender(phase => post({ phase }))
  try {
    await mkdir(job.folder, { mode: 0o700 })
    const options = {
      ...job,
      git: createGit(job.git.dir, job.git.env),
      pushOptions: [],
      budget: new Budget(job.limits, job.counts),
      config: await scanConfig(job.gitleaksConfig, job),
      signal,
      onPhase: phases.onPhase,
      onScanned: (bytes: number) => post({ scannedBytes: bytes }),
    }
    await using objects = new ObjectReader(options.git, signal)
    return { result: await scanShare(objects, new Batches(options), options) }
  } catch (error) {
    return { failed: toFailure(error) }
  }
}

post(await scanHere(workerData as ShareJob))

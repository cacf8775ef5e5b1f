import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { bundleWorker } from '../../../local/worker/bundle.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The file with the bundled Worker. */
    worker: string
  }
}

/** Builds the Worker once for the whole run. */
export default async function build({ provide }: TestProject): Promise<() => void> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-worker-'))
  const file = path.join(dir, 'index.js')
  fs.writeFileSync(file, await bundleWorker())
  provide('worker', file)
  return () => fs.rmSync(dir, { recursive: true, force: true })
}

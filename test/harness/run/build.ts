import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { bundledProgram } from '../../../local/process/bundled-program.ts'
import { bundleWorker } from '../../../local/worker/bundle.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The file with the bundled Worker. */
    worker: string
  }
}

/** Builds the Worker, and the bundles of the companion and the command line, once for the whole run. */
export default async function build({ provide }: TestProject): Promise<() => void> {
  const programs = ['container/main.ts', 'cli/main.ts'].map(main => bundledProgram(main))
  const [worker] = await Promise.all([bundleWorker(), ...programs])
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-worker-'))
  const file = path.join(dir, 'index.js')
  fs.writeFileSync(file, worker)
  provide('worker', file)
  return () => fs.rmSync(dir, { recursive: true, force: true })
}

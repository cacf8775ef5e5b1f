import os from 'node:os'
import path from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/harness/scratch.ts', 'test/harness/build.ts'],
    env: { GATE_GITLEAKS: path.join(import.meta.dirname, '.cache/gitleaks/gitleaks') },
    // A test waits for deadlines and for the processes it has started: with as many as processors, those stand idle.
    // One process for many files: what they import is read once, and nobody leaves anything behind in it.
    isolate: false,
    maxWorkers: os.availableParallelism() + 2,
    // A test starts real servers and processes; what must be quick says so itself.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // What is waited for comes at once, but on a machine with other work.
    expect: { poll: { timeout: 10_000 } },
  },
})

import os from 'node:os'
import path from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/harness/build.ts'],
    env: { GATE_GITLEAKS: path.join(import.meta.dirname, '.cache/gitleaks/gitleaks') },
    // Most of a test's time is spent waiting for the processes it has started.
    maxWorkers: os.availableParallelism() + 1,
    // A test starts real servers and processes; what must be quick says so itself.
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
})

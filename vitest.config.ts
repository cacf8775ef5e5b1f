import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongFilesFirst } from './test/harness/run/sequencer.ts'

/** Chromium without windows takes half of the whole browser's processor time. */
const headless = '/usr/bin/chromium-headless-shell'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: [
      'test/harness/scratch.ts',
      'test/harness/run/compile-cache.ts',
      'test/harness/run/build.ts',
    ],
    env: {
      GATE_GITLEAKS: path.join(import.meta.dirname, '.cache/gitleaks/gitleaks'),
      // Each start of a process copies the page tables of its test process, which has about 300 MB. With huge pages for
      // malloc it takes 5 ms of processor time instead of 8.
      GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
      ...(!process.env.CHROMIUM && fs.existsSync(headless) ? { CHROMIUM: headless } : {}),
    },
    // Test files of a worker share their modules, so each module is loaded once. A test cleans up after itself.
    isolate: false,
    // Tests mostly wait for timeouts and for their processes, so there are more workers than processors: 3 more left
    // the processors idle for a fifth of a run, and with 6 more, tests miss their timeouts.
    maxWorkers: os.availableParallelism() + 4,
    sequence: { sequencer: LongFilesFirst },
    // Tests start real servers and processes. A test with a shorter limit sets its own timeout.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Events come at once, except on a busy machine.
    expect: { poll: { timeout: 30_000 } },
  },
})

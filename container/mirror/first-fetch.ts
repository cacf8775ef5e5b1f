import { access, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Git } from '../git/git.ts'
import { type RefList, readMirrorRefs } from '../git/ref-list.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { type FetchFrom, fetchRefs, shallowUpstream } from './fetch-refs.ts'

/**
 * The steps in which a first fetch goes on after it was cut. git keeps nothing of a fetch that does not end, so each step
 * is a fetch of its own, whose objects stay.
 */
const Steps = z.object({
  /** The number of commits in the next step down a branch's history. */
  commits: z.int().positive(),
  /** The most commits in a step: fewer than in a step that was cut. */
  maxCommits: z.int().positive(),
  /** The number of refs in a step. */
  refs: z.int().positive(),
})
type Steps = z.infer<typeof Steps>

const FIRST_STEPS: Steps = { commits: 16, maxCommits: 1 << 24, refs: 1 << 10 }

/** The factor by which a step grows after a step that succeeded. */
const GROWTH = 4

/** A file in the mirror, from the start of its first fetch to the end. */
const stepsFile = (git: Git) => join(git.dir, 'first-fetch.json')

const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  )

/** True if a first fetch has begun and has not succeeded: the mirror may have some refs, or a part of their history. */
export const isUnfinished = (git: Git): Promise<boolean> => exists(stepsFile(git))

/**
 * Fetches everything into a new mirror, with `fetchAll`. After an attempt that was cut it first fetches in steps: the
 * main branch from its tip down, then the other refs. A step that is cut makes the next ones smaller, so that attempts
 * which are cut again and again still end.
 */
export async function fetchFirst(
  from: FetchFrom,
  upstreamRefs: RefList,
  fetchAll: () => Promise<void>,
): Promise<void> {
  const file = stepsFile(from.git)
  try {
    if (await exists(file)) await fetchInSteps(from, upstreamRefs)
    else await saveSteps(from.git, FIRST_STEPS)
    await fetchAll()
  } catch (error) {
    // It was not cut, so steps would not help.
    if (error instanceof UpstreamError && error.fix) await rm(file, { force: true })
    throw error
  }
  await rm(file, { force: true })
}

async function fetchInSteps(from: FetchFrom, upstreamRefs: RefList): Promise<void> {
  const { git, signal } = from
  const steps = await readSteps(git)
  const main = upstreamRefs.head && upstreamRefs.refs.has(upstreamRefs.head) ? upstreamRefs.head : undefined
  if (main) await fetchHistory(from, main, steps)
  const mirrorRefs = await readMirrorRefs(git, signal)
  const missing = [...upstreamRefs.refs].flatMap(([ref, id]) =>
    mirrorRefs.refs.get(ref) === id ? [] : [ref],
  )
  for (let start = 0; start < missing.length; ) {
    const batch = missing.slice(start, start + steps.refs)
    const [first] = batch
    if (batch.length === 1 && first) await fetchHistory(from, first, steps)
    else
      await runStep(
        git,
        steps,
        () => fetchRefs(from, [], batch.map(toItself)),
        () => {
          steps.refs = Math.ceil(batch.length / GROWTH)
        },
      )
    start += batch.length
  }
}

const toItself = (ref: string) => `+${ref}:${ref}`

/** Fetches a ref's newest commit, and then its history in steps. The mirror is shallow meanwhile. */
async function fetchHistory(from: FetchFrom, ref: string, steps: Steps): Promise<void> {
  const { git, signal } = from
  let boundary: string | undefined
  for (let succeeded = 0; ; succeeded++) {
    const isThere = (await git.run(['rev-parse', '--verify', '--quiet', ref], { signal })).code === 0
    const before = boundary
    boundary = await readFile(join(git.dir, 'shallow'), 'latin1').catch(() => '')
    if (isThere && boundary === '') return
    if (boundary === before) throw shallowUpstream()
    await runStep(
      git,
      steps,
      () => fetchRefs(from, [isThere ? `--deepen=${steps.commits}` : '--depth=1'], [toItself(ref)]),
      () => {
        // A connection may be cut after a number of bytes, however small the steps. So only a cut in the first step of
        // an attempt shows that the step was too large.
        if (isThere && succeeded === 0) steps.maxCommits = Math.ceil(steps.commits / GROWTH)
        steps.commits = Math.min(steps.commits, steps.maxCommits)
      },
    )
    steps.commits = Math.min(steps.commits * GROWTH, steps.maxCommits)
    await saveSteps(git, steps)
  }
}

/** Runs a step. A step that fails calls `shrink`, and its steps are kept for the next attempt. */
async function runStep(git: Git, steps: Steps, step: () => Promise<void>, shrink: () => void): Promise<void> {
  try {
    await step()
  } catch (error) {
    shrink()
    await saveSteps(git, steps)
    throw error
  }
}

const saveSteps = (git: Git, steps: Steps) => writeFile(stepsFile(git), JSON.stringify(steps))

/** A file that a crash has cut short counts as none. */
async function readSteps(git: Git): Promise<Steps> {
  const text = await readFile(stepsFile(git), 'utf8')
  try {
    return Steps.parse(JSON.parse(text))
  } catch {
    return { ...FIRST_STEPS }
  }
}

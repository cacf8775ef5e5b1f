import { afterAll, expect, test } from 'vitest'
import type { IncomingPush } from '../../container/checks/check.ts'
import { secrets } from '../../container/checks/secrets.ts'
import { type Case, caught, clean, residue } from './corpus.ts'
import { gitleaks } from './gitleaks.ts'
import { templates, type WorkTree, workTree } from './repositories.ts'

const check = secrets({ gitleaks, seconds: 120, maxBlobBytes: 50 << 20, fingerprintKey: 'a key for tests' })

afterAll(() => templates.dispose())

async function pushed(
  each: Case,
  judge: (push: IncomingPush, made: Awaited<ReturnType<Case['make']>>, tree: WorkTree) => Promise<void>,
) {
  const tree = await workTree()
  try {
    const made = await each.make(tree)
    await judge(await tree.push(made.refspecs), made, tree)
  } finally {
    await tree.dispose()
  }
}

test.concurrent.each(caught)('caught: $name', { timeout: 120_000 }, each =>
  pushed(each, async (push, made) => {
    const said: string[] = []
    const refusals = await check.run(push, line => said.push(line), new AbortController().signal)
    expect(refusals).not.toEqual([])
    expect(refusals[0]?.reason).toContain('secret found')
    expect(push.record.findings).not.toEqual([])
    // A ref is named in git's own report in any case; nothing else may repeat a secret.
    const shown = JSON.stringify([refusals.map(({ ref: _, ...rest }) => rest), push.record, said])
    for (const secret of made.secrets) expect(shown).not.toContain(JSON.stringify(secret).slice(1, -1))
  }),
)

test.concurrent.each(clean)('clean: $name', { timeout: 120_000 }, each =>
  pushed(each, async push => {
    expect(await check.run(push, () => {}, new AbortController().signal)).toEqual([])
  }),
)

test.concurrent.each(residue)('known not to be seen: $name', { timeout: 120_000 }, each =>
  pushed(each, async push => {
    expect(await check.run(push, () => {}, new AbortController().signal)).toEqual([])
  }),
)

test('the corpus is as large as it claims', () => {
  expect(caught.length).toBeGreaterThanOrEqual(80)
  expect(clean.length).toBeGreaterThanOrEqual(40)
})

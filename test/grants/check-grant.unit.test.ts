import { expect, test } from 'vitest'
import { checkGrant } from '../../container/checks/ref-rules.ts'
import { type Action, type Grant, GrantTerms } from '../../src/contract/grant.ts'
import { ObjectId, RefName } from '../../src/contract/names.ts'

const [ZERO, ONE, TWO] = ['0'.repeat(40), '1'.repeat(40), '2'.repeat(40)]
const REFS = ['refs/heads/x', 'refs/tags/x'] as const
const CHANGES = [
  [ZERO, ONE],
  [ONE, ZERO],
  [ONE, TWO],
] as const

/** Which changes to a branch and to a tag are not refused at once, where a grant allows just these actions. */
function passing(...allow: Action[]): string[] {
  const terms = GrantTerms.parse({ rules: REFS.map(pattern => ({ pattern, allow })) })
  const grant: Grant = { agent: 'ada' as Grant['agent'], terms }
  return REFS.flatMap(ref =>
    CHANGES.filter(([before, after]) => {
      const command = { ref: RefName.parse(ref), old: ObjectId.parse(before), new: ObjectId.parse(after) }
      return checkGrant([command], grant, 'app').length === 0
    }).map(([before, after]) => `${ref} ${before[0]}${after[0]}`),
  )
}

test('each change asks for its own right before any object is there; whether an update is a force is seen later', () => {
  expect(passing()).toEqual([])
  expect(passing('create')).toEqual(['refs/heads/x 01', 'refs/tags/x 01'])
  expect(passing('delete')).toEqual(['refs/heads/x 10', 'refs/tags/x 10'])
  expect(passing('update')).toEqual(['refs/heads/x 12'])
  expect(passing('force')).toEqual(['refs/heads/x 12', 'refs/tags/x 12'])
})

test('a refusal names the ref, says which right is missing, and where the agent has it', () => {
  const terms = GrantTerms.parse({
    rules: [{ pattern: 'refs/heads/{agent}/**', allow: ['create', 'update'] }],
  })
  const [refusal] = checkGrant(
    [{ ref: RefName.parse('refs/heads/main'), old: ObjectId.parse(ONE), new: ObjectId.parse(TWO) }],
    { agent: 'ada' as Grant['agent'], terms },
    'app',
  )
  expect(refusal).toMatchObject({
    ref: 'refs/heads/main',
    reason: 'ada may update refs/heads/ada/** only',
    remedy: [expect.stringMatching(`^  git push .* ${TWO.slice(0, 12)}:refs/heads/ada/main$`)],
  })
})

test('a remedy names no ref that the agent may not create', () => {
  const terms = GrantTerms.parse({
    rules: [
      { pattern: 'refs/heads/ada/main', deny: ['create'] },
      { pattern: 'refs/heads/ada/**', allow: ['create'] },
    ],
  })
  const [refusal] = checkGrant(
    [{ ref: RefName.parse('refs/heads/main'), old: ObjectId.parse(ZERO), new: ObjectId.parse(ONE) }],
    { agent: 'ada' as Grant['agent'], terms },
    'app',
  )
  expect(refusal?.remedy.join()).not.toContain(':refs/heads/ada/main')
})

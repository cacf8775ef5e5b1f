import { expect, test } from 'vitest'
import { falseAlarm } from '../../../container/checks/secrets/false-alarms/index.ts'
import type { LocatedMatch } from '../../../container/checks/secrets/gitleaks/locate.ts'

/** A match of the rule for passwords in a string. The secret follows the first separator after the name. */
function passwordIn(text: string, name: string, isBinary = true, rule = 'generic-password'): LocatedMatch {
  const match = text.slice(text.indexOf(name))
  return {
    rule,
    item: { commit: '', path: 'model.bin', kind: 'LFS object' },
    encodings: [],
    archivePath: [],
    isBinary,
    line: 1,
    secret: match.slice(name.length + 1),
    match,
    text,
  }
}

// The values stand apart from their names: this project's own history passes its own scan.
const SIGNS = 'k9X%f2Qz'
const MORE_SIGNS = 'k9X%f&2~z'
const OTHER_SIGNS = '8#kQz!7f'
const LETTERS = 'k9X4f2Qz71'
const LONG = `${LETTERS}mmK8wRt5`

const chance = 'random bytes that look like a short name and a value'

test('random bytes of a binary that look like a short name and a value are no secret', () => {
  for (const [text, name] of [
    [`pWd=${SIGNS}`, 'pWd'],
    [`PwD,${OTHER_SIGNS}`, 'PwD'],
    [`pwd:${SIGNS}`, 'pwd'],
    [`7}pwd=${MORE_SIGNS}`, 'pwd'],
    [`QXpwd=${LONG}`, 'pwd'],
    [`paSS=${LONG}`, 'paSS'],
  ] as const)
    expect([text, falseAlarm(passwordIn(text, name))]).toEqual([text, chance])
})

test('the same bytes with a space after the name are no secret', () => {
  for (const [text, name] of [
    [`pWd ${SIGNS}`, 'pWd'],
    [`QXpwd ${LONG}`, 'pwd'],
  ] as const)
    expect(falseAlarm(passwordIn(text, name, true, 'generic-spaced-password'))).toBe(chance)
  expect(falseAlarm(passwordIn(`Server db Pwd ${LONG}`, 'Pwd', true, 'generic-spaced-password'))).not.toBe(
    chance,
  )
})

test('a password in the strings of a binary is a secret', () => {
  for (const [text, name] of [
    [`Server=db;Uid=app;Pwd=${SIGNS}!b`, 'Pwd'],
    [`dbPwd=${LETTERS}`, 'Pwd'],
    [`PWD=${LETTERS}`, 'PWD'],
    [`db_pass=${LETTERS}`, '_pass'],
    [`pASSWORD=${SIGNS.slice(0, 6)}`, 'pASSWORD'],
  ] as const)
    expect([text, falseAlarm(passwordIn(text, name))]).not.toEqual([text, chance])
})

test('the same string in a text is judged as a password', () => {
  expect(falseAlarm(passwordIn(`pWd=${SIGNS}!8bT7`, 'pWd', false))).toBeUndefined()
})

import { expect, test } from 'vitest'
import { withLabel } from '../../src/console/forms/labels.ts'

const shown = (message: string, code = 'bad-request') => withLabel({ code, message, fix: 'See the schema' })

test.each([
  ['knownHosts: must not be empty', 'Known hosts: must not be empty'],
  [
    'denyPaths.1: must have 512 characters at most',
    'Denied paths, entry 2: must have 512 characters at most',
  ],
  ['rules.0.pattern: has an invalid format', 'Rules, entry 1: has an invalid format'],
])('the problem of a form has the label of its field: %s', (message, expected) => {
  expect(shown(message)).toEqual({ code: 'bad-request', message: expected, fix: '' })
})

test('another problem stays as it is', () => {
  const message = 'rules: the agent is gone'
  expect(shown(message, 'conflict')).toEqual({ code: 'conflict', message, fix: 'See the schema' })
  expect(shown('unknown: "x"')).toMatchObject({ message: 'unknown: "x"', fix: 'See the schema' })
  expect(shown('constructor: x')).toMatchObject({ message: 'constructor: x' })
})

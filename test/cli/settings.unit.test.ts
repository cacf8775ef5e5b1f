import { expect, test } from 'vitest'
import { readSettings as readCompanionSettings } from '../../container/settings.ts'
import { unknownSetting } from '../../local/unknown-setting.ts'
import { readSettings } from '../../src/common/settings.ts'

test('a misspelt setting is an error that names the right one', () => {
  expect(unknownSetting({ GATE_SCAN_SECOND: '60', PATH: '/bin' })).toMatch(
    /^GATE_SCAN_SECOND: there is no such setting; did you mean GATE_SCAN_SECONDS\?/,
  )
  expect(unknownSetting({ GATE_WHATEVER_ELSE_THERE_IS: '1' })).not.toContain('meant')
})

test('settings of every process, and keys under names of their own, are known', () => {
  const env = {
    GATE_SCAN_SECONDS: '',
    GATE_RETENTION_DAYS: '',
    GATE_URL: '',
    GATE_IDENTITY_ACME: '',
    GATE_HOME: '',
  }
  expect(unknownSetting(env)).toBeUndefined()
})

test('a missing or wrong setting is described in plain words', () => {
  const worker = readSettings({ GATE_COMPANION_URL: 'nowhere' })
  const companion = readCompanionSettings({
    GATE_HOME: '',
    GATE_PASS_KEY: 'x'.repeat(32),
    COMPANION_PORT: '70000',
  })
  const problems = [worker, companion].map(read => (read.ok ? '' : read.problem)).join('; ')
  expect(problems).toContain('GATE_PASS_KEY: is missing')
  expect(problems).toContain('GATE_COMPANION_URL: must be a URL')
  expect(problems).toContain('COMPANION_PORT: must be 65535 or less')
  expect(problems).not.toMatch(/Invalid|Too |expected|received/)
})

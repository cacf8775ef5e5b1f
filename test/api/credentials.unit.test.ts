import { expect, test } from 'vitest'
import { credentials } from '../../src/auth/credentials.ts'

test.each([
  ['Bearer t', { user: undefined, token: 't' }],
  ['bearer   t', { user: undefined, token: 't' }],
  [`Basic ${btoa('ada:t')}`, { user: 'ada', token: 't' }],
  [`BASIC ${btoa('ada:t:u')}`, { user: 'ada', token: 't:u' }],
  [`Basic ${btoa(':t')}`, { user: '', token: 't' }],
  [`Basic ${btoa('ada')}`, undefined],
  ['Basic %', undefined],
  ['Bearer t u', undefined],
  ['xBearer t', undefined],
  ['Digest t', undefined],
  ['Bearer', undefined],
  ['Bearer t, Bearer t', { user: undefined, token: 't' }],
  ['Bearer t, Bearer u', undefined],
  ['Bearer t, Bearer t, Bearer t', { user: undefined, token: 't' }],
  ['Bearer t, Bearer t, Bearer u', undefined],
  [undefined, undefined],
])('the header %j has these credentials: %j', (header, given) => {
  expect(credentials(header)).toEqual(given)
})

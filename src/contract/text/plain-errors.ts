import { z } from 'zod'

/** Zod's own messages are for programmers. These are for operators, after the name of the field. */
z.config({ customError: issue => describe(issue) })

type Issue = Parameters<z.core.$ZodErrorMap>[0]

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  map: 'an object',
}

function describe(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${KINDS[issue.expected] ?? issue.expected}`
    case 'too_small':
      if (issue.origin === 'string')
        return issue.minimum === 1 ? 'must not be empty' : `must have ${issue.minimum} characters or more`
      return issue.origin === 'array'
        ? `must have ${issue.minimum} entries or more`
        : `must be ${issue.inclusive ? '' : 'more than '}${issue.minimum}${issue.inclusive ? ' or more' : ''}`
    case 'too_big':
      if (issue.origin === 'string') return `must have ${issue.maximum} characters at most`
      return issue.origin === 'array'
        ? `must have ${issue.maximum} entries at most`
        : `must be ${issue.maximum} or less`
    case 'invalid_format':
      return issue.format === 'regex'
        ? 'has an invalid format'
        : `must be ${FORMATS[issue.format] ?? issue.format}`
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`
    case 'unrecognized_keys':
      return `unknown: ${issue.keys.map(key => `"${key}"`).join(', ')}`
    case 'invalid_union':
      return 'matches none of the allowed forms'
    default:
      return undefined
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  url: 'a URL',
  datetime: 'a time such as 2027-01-31T18:00:00Z',
  email: 'an e-mail address',
}

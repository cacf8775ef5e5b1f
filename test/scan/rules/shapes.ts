import type { Kind } from './kinds.ts'

const camel = (name: string) =>
  name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

/** The ways in which people write a credential down. */
export const shapes: Readonly<Record<string, (kind: Pick<Kind, 'name'>, value: string) => string>> = {
  'an env line': ({ name }, value) => `NODE_ENV=production\n${name}=${value}\nPORT=3000\n`,
  'an export': ({ name }, value) => `#!/bin/sh\nexport ${name}="${value}"\n`,
  JSON: ({ name }, value) => JSON.stringify({ port: 3000, [camel(name)]: value, debug: false }, null, 2),
  'JSON in one line': ({ name }, value) =>
    JSON.stringify({ port: 3000, [name.toLowerCase()]: value, debug: false }),
  YAML: ({ name }, value) => `app:\n  port: 3000\n  ${name.toLowerCase()}: ${value}\n  debug: false\n`,
  'YAML in quotes': ({ name }, value) => `env:\n  - name: X\n    ${name}: '${value}'\n`,
  'YAML flow': ({ name }, value) => `app: {port: 3000, ${name.toLowerCase()}: ${value}, debug: false}\n`,
  code: ({ name }, value) => `import x from 'x'\nconst ${camel(name)} = '${value}'\nx(${camel(name)})\n`,
  'a header': (_, value) => `GET /v1 HTTP/1.1\nHost: api.example.com\nAuthorization: Bearer ${value}\n\n`,
  'a header of a key': (_, value) => `POST /v1 HTTP/1.1\nX-Api-Key: ${value}\nAccept: */*\n`,
  'a URL': (_, value) =>
    `see https://api.example.com/v1/items?page=2&api_key=${encodeURIComponent(value)}&sort=asc for it\n`,
  'an XML element': ({ name }, value) => `<config>\n  <${camel(name)}>${value}</${camel(name)}>\n</config>\n`,
}

/** The ways that show nothing but the value. */
export const bareShapes: Readonly<Record<string, (value: string) => string>> = {
  bare: value => `${value}\n`,
  'in a sentence': value => `Use ${value}, it works.\n`,
  'a list of values': value => `name,value,note\nfirst,${value},mine\n`,
  'in brackets': value => `login(${value})\n`,
}

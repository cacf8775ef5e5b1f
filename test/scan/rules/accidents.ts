import { deflateSync } from 'node:zlib'
import { zip } from '../fixtures/archives.ts'
import { anyKey, githubToken } from '../fixtures/fakes.ts'
import { password } from './kinds.ts'
import type { Place } from './places.ts'

const lines = (...all: readonly string[]) => `${all.join('\n')}\n`

/** An accident: a text that a program writes, or that a person writes down, with a secret in it. */
interface Accident extends Omit<Place, 'content'> {
  readonly content: () => string | Buffer
}

const accident = (name: string, content: () => string | Buffer): Accident => ({ name, content })
const withKey = (name: string, write: (key: string) => string | Buffer) =>
  accident(name, () => write(anyKey()))
const withPassword = (name: string, write: (password: string) => string | Buffer) =>
  accident(name, () => write(password()))
const withToken = (name: string, write: (token: string) => string | Buffer) =>
  accident(name, () => write(githubToken()))

/** Writes a recording by asciinema, one event for each typed character. */
const typed = (text: string, version = 2) =>
  lines(
    JSON.stringify({ version, width: 80, height: 24, env: { SHELL: '/bin/bash' } }),
    ...[...text].map((character, i) => JSON.stringify([1 + i / 10, 'o', character])),
    JSON.stringify([60, 'o', '\r\n']),
  )

const halves = (text: string): [string, string] => [text.slice(0, 14), text.slice(14)]
const inHalves = (write: (first: string, second: string) => string | Buffer) => (text: string) =>
  write(...halves(text))

const pdf = (page: string) =>
  Buffer.concat([
    Buffer.from('%PDF-1.4\n1 0 obj\n<</Filter/FlateDecode>>\nstream\n'),
    deflateSync(page),
    Buffer.from('\nendstream\nendobj\n'),
  ])

/** Recordings of terminals, and tokens that a line's end or a tag splits. */
const splits: readonly Accident[] = [
  withToken('a typed token in a recording', token => typed(`export GITHUB_TOKEN=${token}`)),
  withKey('a typed key in a recording', value => typed(`export API_KEY=${value}`)),
  withToken('a typed token in a recording of version 3', token => typed(`T=${token}`, 3)),
  withToken(
    'a mistyped token in a recording',
    inHalves(
      (a, b) =>
        typed(`T=${a}`).replace('[60,"o","\\r\\n"]', '[8,"o","x"]\n[9,"o","\\b\\u001b[K"]') + typed(b),
    ),
  ),
  withToken(
    'a mistyped token in a typescript',
    inHalves((a, b) => `Script started\n$ export T=${a}q\b \b${b}\r\n$ \n`),
  ),
  withToken(
    'a token at the end of a screen line',
    inHalves((a, b) => `$ export GITHUB_TOKEN=${a} \r${b}\r\n`),
  ),
  withToken(
    'a token on two lines of PowerShell',
    inHalves((a, b) => `login ${a}\`\n${b}\n`),
  ),
  withToken(
    'a token on two lines of cmd.exe',
    inHalves((a, b) => `set T=${a}^\r\n${b}\r\n`),
  ),
  withToken(
    'a token in spans of a page',
    inHalves((a, b) => `<code><span>${a}</span><wbr><span>${b}</span></code>\n`),
  ),
  withKey(
    'a highlighted line of code',
    value => `<span class="nv">API_KEY</span><span class="o">=</span><span>&quot;${value}&quot;</span>\n`,
  ),
  withToken(
    'two runs in a document of Word',
    inHalves((a, b) =>
      zip({
        'word/document.xml': `<w:p><w:r w:rsidR="0A"><w:t>${a}</w:t></w:r><w:proofErr w:type="spellEnd"/><w:r><w:t xml:space="preserve">${b}</w:t></w:r></w:p>`,
      }),
    ),
  ),
  withPassword('a table in a document of Word', value =>
    zip({
      'word/document.xml': `<w:tr><w:tc><w:p><w:r><w:t>Password</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>${value}</w:t></w:r></w:p></w:tc></w:tr>`,
    }),
  ),
  withToken(
    'two runs in a sheet of Excel',
    inHalves((a, b) =>
      zip({ 'xl/sharedStrings.xml': `<si><r><t>${a}</t></r><r><rPr><b/></rPr><t>${b}</t></r></si>` }),
    ),
  ),
  withToken(
    'two runs on a slide',
    inHalves((a, b) =>
      zip({ 'ppt/slides/slide1.xml': `<a:r><a:t>${a}</a:t></a:r><a:r><a:t>${b}</a:t></a:r>` }),
    ),
  ),
  withToken(
    'a span in a text of LibreOffice',
    inHalves((a, b) =>
      zip({ 'content.xml': `<text:p>${a}<text:span text:style-name="T1">${b}</text:span></text:p>` }),
    ),
  ),
  withToken(
    'two runs in RTF',
    inHalves((a, b) => `{\\rtf1\\ansi {\\rtlch\\af0 ${a}}{\\b ${b}}\\par}`),
  ),
  withToken('kerned text in a PDF', token =>
    pdf(`BT [${token.replace(/.{1,3}/g, part => `(${part})-12 `)}] TJ ET`),
  ),
]

/** Tables, whose names are in another line than their values. */
const tables: readonly Accident[] = [
  withKey('CSV of keys', value => lines('service,api_key,owner', `acme,${value},ada`)),
  withPassword('an export of a browser', value =>
    lines('name,url,username,password,note', `acme,https://acme.dev/login,ada,${value},`),
  ),
  withPassword('an export of a password manager', value =>
    lines(
      'folder,name,login_uri,login_username,login_password,login_totp',
      `,acme,https://acme.dev,ada,${value},`,
    ),
  ),
  withPassword('an export with quotes', value =>
    lines('"Account","Login Name","Password","Web Site"', `"acme","ada","${value}","https://acme.dev"`),
  ),
  withKey('a table with tabs', value => lines('service\tsecret', `acme\t${value}`)),
  withKey('a table in Markdown', value => lines('| service | token |', '|---|---|', `| acme | ${value} |`)),
  withKey('a row of names and values in Markdown', value => `| API key | ${value} |\n`),
  withKey('a row of a page', value => `<tr><td>API key</td><td>${value}</td></tr>\n`),
  withKey('the output of psql', value =>
    lines(' id | name | api_key', '----+------+---------', `  1 | acme | ${value}`, '(1 row)'),
  ),
  withPassword(
    'an INSERT',
    value => `INSERT INTO users (id, name, password) VALUES (1, 'ada', '${value}');\n`,
  ),
  withKey('a dump of PostgreSQL', value =>
    lines('COPY public.accounts (id, name, api_key) FROM stdin;', `1\tacme\t${value}`, '\\.'),
  ),
]

/** Names before values, with other signs between them than an equals sign or a colon. */
const spaced: readonly Accident[] = [
  ...[
    'ENV API_KEY',
    'setenv API_KEY',
    'set -gx API_KEY',
    'setx API_KEY',
    'SetEnv API_KEY',
    '#define API_KEY',
    'proxy_set_header X-Api-Key',
    'npm config set //registry.acme.dev/:_authToken',
    'gh secret set API_KEY --body',
    'the api key is',
  ].map(before => withKey(`a key after ${before}`, value => `${before} ${value}\n`)),
  withKey('a string of Objective-C', value => `NSString *const kApiKey = @"${value}";\n`),
  withKey('a keyword of Clojure', value => `{:api-key "${value}"}\n`),
  withKey('a variable of Emacs', value => `(setq openai-api-key "${value}")\n`),
  withKey('a long string of Lua', value => `api_key = [[${value}]]\n`),
  withKey('an assignment of R', value => `api_key <- "${value}"\n`),
  withKey('an argument of a call', value => `client.set_api_key("${value}")\n`),
  withKey('a variable of CMake', value => `set(API_KEY "${value}")\n`),
  withKey(
    'a value in place of a missing variable',
    value => `const apiKey = process.env.API_KEY || "${value}"\n`,
  ),
  withKey('a block of YAML', value => lines('token: >-', `  ${value}`)),
  withKey('an anchor of YAML', value => `token: &t ${value}\n`),
  withKey('a header in a recorded request', value =>
    lines('    headers:', '      X-Api-Key:', `      - ${value}`),
  ),
  withKey('a dump of PHP', value => lines('["api_key"]=>', `  string(${value.length}) "${value}"`)),
  withKey('a serialized array of PHP', value => `s:7:"api_key";s:${value.length}:"${value}";`),
  withKey('a property list', value => lines('<key>ApiSecret</key>', `<string>${value}</string>`)),
  withKey("a page's token", value => `<meta name="api-token" content="${value}">\n`),
  withKey('a parameter of CloudFormation', value =>
    JSON.stringify([{ ParameterKey: 'ApiToken', ParameterValue: value }]),
  ),
  withKey('a value before its name', value => JSON.stringify([{ value, name: 'API_TOKEN' }])),
  withKey('an output of Terraform', value =>
    JSON.stringify({ outputs: { api_token: { value, type: 'string' } } }, null, 2),
  ),
  withKey('a default of Terraform', value =>
    lines('variable "api_token" {', '  type    = string', `  default = "${value}"`, '}'),
  ),
  withPassword('curl -u', value => `curl -u ada:${value} https://ci.acme.dev/job\n`),
  withPassword('redis-cli', value => `redis-cli -h cache -a ${value} ping\n`),
  withPassword('a password in a pipe', value => `echo "${value}" | docker login -u ada --password-stdin\n`),
  withPassword('a user of MySQL', value => `CREATE USER 'ada'@'%' IDENTIFIED BY '${value}';\n`),
  withPassword('a role of PostgreSQL', value => `ALTER ROLE ada WITH PASSWORD '${value}';\n`),
  withPassword('a password of Gradle', value => `signingPassword "${value}"\n`),
  withPassword('a password in prose', value => `the password is ${value}\n`),
  withPassword('a German note', value => `Passwort: ${value}\n`),
  withKey('a key after a wide colon', value => `api_key：${value}\n`),
  withPassword('a Spanish note', value => `contraseña: ${value}\n`),
]

export const accidents: readonly Accident[] = [...splits, ...tables, ...spaced]

import { createHash, randomBytes } from 'node:crypto'
import { random } from '../fixtures/fakes.ts'
import { azureSigned, jwt } from './kinds.ts'

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const LOWER = UPPER.toLowerCase()
const alnum = (length: number) => random(`${UPPER + LOWER}0123456789`, length)
const hex = (length: number) => random('0123456789abcdef', length)
const base64 = (bytes: number) => randomBytes(bytes).toString('base64')
const encoded = (text: string) => Buffer.from(text).toString('base64')
const uuid = () => `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`
const sha256 = () => createHash('sha256').update(randomBytes(9)).digest('hex')
const lines = (...all: readonly string[]) => `${all.join('\n')}\n`
const googleKey = () => `AIza${'Sy'}${alnum(33)}`

/** A text without a secret that looks like one. */
export interface Harmless {
  readonly name: string
  readonly content: string
}

/** Placeholders, as documentation has them. */
const PLACEHOLDERS = [
  'Authorization: Bearer YOUR_API_TOKEN',
  'Authorization: Bearer <token>',
  'Authorization: Bearer $TOKEN',
  'Authorization: Bearer ${API_TOKEN}',
  'Authorization: Basic dXNlcm5hbWU6cGFzc3dvcmQ=',
  'Authorization: token YOUR-PERSONAL-ACCESS-TOKEN',
  'curl -H "Authorization: Bearer YOUR_ACCESS_TOKEN" https://api.example.com',
  'curl -u username:password https://api.example.com',
  'API_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  'API_KEY=your-api-key-here',
  'API_KEY=<your api key>',
  'API_KEY=example-api-key-1234567890',
  'SECRET_KEY=changeme',
  'SECRET_KEY=replace-this-with-a-secret',
  'OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  'OPENAI_API_KEY=sk-your-openai-api-key',
  'ANTHROPIC_API_KEY=sk-ant-your-key-here',
  'GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  'GITHUB_TOKEN=${{ secrets.GITHUB_TOKEN }}',
  'DATABASE_URL=postgres://user:password@localhost:5432/app',
  'DATABASE_URL=postgres://postgres:postgres@db:5432/postgres',
  'DATABASE_URL=mysql://USER:PASSWORD@HOST:3306/DB',
  'MONGO=mongodb+srv://<user>:<password>@cluster0.example.mongodb.net',
  'REDIS_URL=redis://:${REDIS_PASSWORD}@cache:6379',
  'password: "password123"',
  'password: example',
  'password: ${DB_PASSWORD}',
  'password = os.environ["DB_PASSWORD"]',
  'password = getpass.getpass()',
  'password: str = Field(min_length=12)',
  'const password = req.body.password',
  'token = config.get("service.token")',
  'apiKey: process.env.OPENAI_API_KEY',
  '"access_token": "ACCESS_TOKEN_1234567890"',
  'client_secret: dummy-client-secret-for-tests',
  '--password=$PASSWORD --token "$TOKEN"',
  'https://api.example.com/v1?api_key=YOUR_API_KEY&page=1',
  'machine example.com login user password secret',
  '<password>changeme</password>',
  'secretKeyRef: {name: app, key: password}',
  'AccessibilityAuthor: SomeVeryLongIdentifierName',
] as const

const named = (name: string, content: string): Harmless => ({ name, content })

/** https://learn.microsoft.com/azure/storage/common/storage-connect-azurite */
const emulatorKey = [
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50u',
  'SRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
].join('')

/** https://hexdocs.pm/phoenix/Phoenix.Token.html, and the guides to deployment there, old and new. */
const phoenixKeys = [
  ['kjoy3o1zeidquwy1', '398juxzldjlksahdk3'],
  ['OOmSQ22Liduec/twplfKrEseNL2m7ivM', 'K32ywKECyhckgQVLtBCxS3cMusKD2v8f'],
  ['xvafzY4y01jYuzLm3ecJqo008dVnU3CN', '4f+MamNd1Zue4pXvfvUjbiXT8akaIF53'],
].map(halves => halves.join(''))

export const harmless = (): readonly Harmless[] => [
  ...PLACEHOLDERS.map(content => named(content, `${content}\n`)),
  ...phoenixKeys.flatMap((key, i) => [
    named(`key ${i + 1} of Phoenix's documentation in a configuration`, `  secret_key_base: "${key}",\n`),
    named(
      `key ${i + 1} of Phoenix's documentation in a variable`,
      `heroku config:set SECRET_KEY_BASE="${key}"\n`,
    ),
    named(`key ${i + 1} of Phoenix's documentation as a secret`, `iex> secret     = "${key}"\n`),
  ]),
  named(
    'a Firebase configuration',
    lines(
      'const firebaseConfig = {',
      `  apiKey: "${googleKey()}",`,
      '  authDomain: "app.firebaseapp.com",',
      '  projectId: "app",',
      '};',
    ),
  ),
  named(
    'tests that pytest runs by their ids',
    lines(
      '        result = pytester.runpytest(',
      '            "pkg1/test_1.py::test_pass", "pkg1/test_1.py::test_fail", "--lf"',
      '        )',
    ),
  ),
  named(
    'google-services.json',
    lines('"api_key": [', '  {', `    "current_key": "${googleKey()}"`, '  }', ']'),
  ),
  named('GoogleService-Info.plist', lines('<key>API_KEY</key>', `<string>${googleKey()}</string>`)),
  named(
    'a script of Google Maps',
    `<script src="https://maps.googleapis.com/maps/api/js?key=${googleKey()}&libraries=places"></script>\n`,
  ),
  named('a Google key in a public variable', `NEXT_PUBLIC_FIREBASE_API_KEY=${googleKey()}\n`),
  named(
    'Supabase anon',
    `SUPABASE_ANON_KEY=${jwt({ iss: 'supabase', ref: hex(20), role: 'anon', iat: 1, exp: 2 })}\n`,
  ),
  named('Supabase publishable', `SUPABASE_PUBLISHABLE_KEY=sb_publishable_${alnum(22)}_${alnum(8)}\n`),
  named('Stripe publishable', `STRIPE_PUBLISHABLE_KEY=pk_live_${alnum(99)}\n`),
  named('Stripe publishable in code', `loadStripe("pk_test_${alnum(99)}")\n`),
  named(
    'Mapbox public',
    `mapboxgl.accessToken = 'pk.${Buffer.from(JSON.stringify({ u: 'acme', a: alnum(20) })).toString('base64url')}.${alnum(22)}'\n`,
  ),
  named('Algolia search', `ALGOLIA_SEARCH_API_KEY=${hex(32)}\n`),
  named(
    'DocSearch',
    lines('algolia: {', "  appId: 'ABCDEFGHIJ',", `  apiKey: '${hex(32)}',`, "  indexName: 'docs',", '}'),
  ),
  named('a site key of reCAPTCHA', `RECAPTCHA_SITE_KEY=6L${alnum(38)}\n`),
  named('a site key in a page', `<div class="g-recaptcha" data-sitekey="6L${alnum(38)}"></div>\n`),
  named('PostHog project key', `POSTHOG_KEY=phc_${alnum(43)}\n`),
  named(
    'Langfuse public key',
    `LANGFUSE_PUBLIC_KEY=pk-lf-${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}\n`,
  ),
  named('a key whose middle is left out', `export SESSION_SECRET=${hex(7)}...snip...${hex(9)}\n`),
  named('a key whose middle is left out, shorter', `SECRET_KEY=${hex(6)}...${hex(6)}\n`),
  named(
    'basic authentication of a test',
    `assert.Equal(t, header("admin", "password"), "Basic ${Buffer.from('admin:password').toString('base64')}")\n`,
  ),
  named('a key of a cache', `cache-key: ${sha256()}\n`),
  named(
    'a key of a cache in YAML',
    lines('      - uses: actions/cache', '        with:', `          key: ${hex(40)}`),
  ),
  named('a public key', `publicKey: "${base64(32)}"\n`),
  ...azureSigned.map(({ service, sign, value }) =>
    named(
      `a picture with the signature of ${service}`,
      `{ "image/png": "${base64(300)}${sign}${base64(300)}${value()}${base64(300)}" }\n`,
    ),
  ),
  named('an age recipient', `recipient: age1${random('qpzry9x8gf2tvdw0s3jn54khce6mua7l', 58)}\n`),
  named(
    'age',
    lines(
      '-----BEGIN AGE ENCRYPTED FILE-----',
      base64(48),
      base64(48),
      base64(20),
      '-----END AGE ENCRYPTED FILE-----',
    ),
  ),
  named(
    'PGP',
    lines(
      '-----BEGIN PGP MESSAGE-----',
      '',
      base64(48),
      base64(48),
      `=${base64(3)}`,
      '-----END PGP MESSAGE-----',
    ),
  ),
  named('sops', `password: ENC[AES256_GCM,data:${base64(12)},iv:${base64(32)},tag:${base64(16)},type:str]\n`),
  named(
    'ansible-vault',
    lines('db_password: !vault |', '  $ANSIBLE_VAULT;1.1;AES256', `  ${hex(80)}`, `  ${hex(80)}`),
  ),
  named(
    'a sealed secret',
    lines('kind: SealedSecret', 'spec:', '  encryptedData:', `    password: AgB${base64(390).slice(3)}`),
  ),
  named('Jasypt', `spring.datasource.password=ENC(${base64(24)})\n`),
  named('an encrypted Maven password', `<password>{${base64(32)}}</password>\n`),
  named(
    'a reference to 1Password',
    'password: op://vault/database/password\nAPI_TOKEN="op://Private/api/credential"\n',
  ),
  named('a reference to Vault', 'api_key: vault:secret/data/app#api_key\n'),
  named(
    'a reference to Secrets Manager',
    'secret: arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-Ab3dEf\n',
  ),
  named(
    'a file with the secret',
    'POSTGRES_PASSWORD_FILE=/run/secrets/postgres-password\npassword: /run/secrets/db\n',
  ),
  named('a hash in a seed', `{ "user": "ada", "password": "$2b$10$${alnum(53)}" }\n`),
  named(
    'a test key of Go',
    lines(
      `-----BEGIN RSA ${'TESTING'} KEY-----`,
      base64(48),
      base64(48),
      `-----END RSA ${'TESTING'} KEY-----`,
    ),
  ),
  named(
    'the frame of a key',
    [
      `-----BEGIN ${'PRIVATE'} KEY-----`,
      '...your private key goes here, in several lines of base64...',
      `-----END ${'PRIVATE'} KEY-----`,
    ].join('\n'),
  ),
  named(
    'the example of jwt.io',
    `token = "${jwt({ sub: '1234567890', name: 'John Doe', iat: 1516239022 })}"\n`,
  ),
  named(
    'a token that has expired',
    `token = "${jwt({ sub: hex(12), iat: 1_633_046_100, exp: 1_633_046_400 })}"\n`,
  ),
  named('a token of an example', `token = "${jwt({ iss: 'https://issuer.example.com', aud: hex(8) })}"\n`),
  named('a greeting in a token', `token = "${jwt({ message: 'hello world' })}"\n`),
  named('a password of words in .netrc', 'machine example.org\nlogin ada\npassword other-password\n'),
  named(
    "the key of Azure Storage's emulator",
    `URL=DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${emulatorKey};BlobEndpoint=http://azurite:10000/\n`,
  ),
  named(
    'a .netrc in an f-string',
    'netrc.write_text(f"machine {host} login wrongusername password wrongpassword")\n',
  ),
  named('a .netrc in a test', 'f.write("machine example.com login user password pass\\ndefault\\n")\n'),
  named(
    'the characters of a test of URLs',
    '"password": "%20!%22$%&\'()*+,-.%3A%3B%3C%3D%3E%40%5B%5C%5D",\n',
  ),
  named(
    'counting characters in a URL',
    `git clone http://ss_98${'fghi1234'}abc56789012345678901234de246d7@localhost:23232/private.git\n`,
  ),
  named(
    'text in quoted-printable',
    lines(
      '=20=20=20=20username,=20password=20=3D=20urllib.quote(getpass.g=',
      '-unzip=20option=20we=20can=20pass=20to=20install=20command',
      'etpass("Password:=20"))',
    ),
  ),
  named(
    'a certificate in base64',
    `auth_base64 = "${encoded(`-----BEGIN CERTIFICATE-----\n${base64(96)}\n`)}"\n`,
  ),
  named(
    'certificates in a Kubernetes secret',
    lines('kind: Secret', 'data:', `  tls.crt: ${encoded(`-----BEGIN CERTIFICATE-----\n${base64(96)}`)}`),
  ),
  named('binary data in base64', `${base64(301)}/EAAAAAAB${alnum(40)}/${base64(300)}\n`.replaceAll('=', '')),
  named(
    'the digest of a password of a test',
    `authlogic = "${createHash('sha512').update(randomBytes(9)).digest('hex')}"\n`,
  ),
  named('a comment about a password', "// The user's hashed password, base64-encoded.\n"),
  named('a key of a cache with words', `"key": "Linux-node-${hex(40)}"\n`),
  named('a name in camel case', 'const http2Sessions = createCloseHttp2SessionsByHttp2Server\n'),
  named('the id of a commit beside Sourcegraph', `github.com/sourcegraph/conc\ncommit ${hex(40)}\n`),
  named('a call of Ruby', 'expected_password = ::Digest::SHA1.hexdigest(text)\n'),
  named('a key that is cut off', `session_secret: "$+${alnum(6)}$${alnum(6)}^..."\n`),
  named('a file with a digest in its name', `Path.join(@output_path_key, "foo-${hex(32)}.css")\n`),
  named('what a mock returns', `self.one_client.session.create.return_value = '${uuid()}'\n`),
  named('an assembly of .NET', `<PublicKeyToken>^${hex(16).toUpperCase()}$</PublicKeyToken>\n`),
  named("a sample of Phoenix's generators", 'token: "7488a646-e31f-11e4-aace-600308960662"\n'),
  named('a table without secrets', lines('name,token_count,updated', 'acme,12345678,2026-11-28T10:00:00')),
  named('a table of placeholders', lines('service,api_key', 'acme,YOUR_API_KEY', 'other,<your key>')),
  named(
    'a recording without secrets',
    lines('{"version": 2, "width": 80}', '[1.2, "o", "l"]', '[1.3, "o", "s"]'),
  ),
  named(
    'a sentence about a token',
    'The token is "automatically-refreshed-by-the-client" and the secret is base64-encoded.\n',
  ),
  named(
    'a call with a name',
    'client.get_secret("production-database-credentials")\nsetToken("currentUserAccessToken")\n',
  ),
  named('a token of a form', `<input type="hidden" name="authenticity_token" value="${base64(64)}" />\n`),
  named('an import', "import { generateApiKeyToken } from '@acme/auth-token-generator'\n"),
  named(
    'keys of translations',
    '{"auth.password.reset.token.expired": "Your token has expired", "key": "settings.account.title"}\n',
  ),
  named(
    'identifiers',
    'const tokenProviderFactoryImpl = createAccessTokenProviderFactory2\nkey: userAccountSettingsPageV2\n',
  ),
]

/** Disguises of a secret by an author who knows every reason in container/checks/secrets/false-alarms/. */
export const disguises: Readonly<Record<string, (secret: string) => string>> = {
  'a line of go.sum': secret => `github.com/acme/keygen v0.1.2 h1:${secret}\n`,
  'a checksum by name': secret => `checksum = "${secret}"\n`,
  'an integrity': secret => `"integrity": "sha512-${secret}"\n`,
  'a public name': secret => `NEXT_PUBLIC_SITE_KEY=${secret}\n`,
  'a cache key': secret => `cache-key: ${secret}\n`,
  'the configuration of Firebase': secret => `apiKey: "${secret}", authDomain: "x", current_key: "x"\n`,
  'words beside it': secret => `EXAMPLE_TOKEN=example-${secret}-example # YOUR_TOKEN placeholder test xxx\n`,
  'angle brackets': secret => `API_TOKEN=<${secret}>\n`,
  'a template': secret => `API_TOKEN=\${${secret}}\n`,
  'an encrypted value': secret => `password: ENC[AES256_GCM,data:${secret},iv:x]\n`,
  'a reference': secret => `token: vault:secret/${secret}#x\n`,
  'a test': secret => `// test fixture, not a real secret: gitleaks:allow\nconst testToken = "${secret}"\n`,
  'the id of a test': secret => `password: "test_1.py::${secret}"\n`,
  'a file of tests': secret => `password: test-${secret}\n`,
}

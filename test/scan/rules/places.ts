import { createHash, randomBytes } from 'node:crypto'
import { githubToken, privateKey, random } from '../fixtures/fakes.ts'
import { password } from './kinds.ts'

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'
const hex = (length: number) => random(`${DIGITS}abcdef`, length)
const lower = (length: number) => random(LOWER + DIGITS, length)
const alnum = (length: number) => random(LOWER.toUpperCase() + LOWER + DIGITS, length)
const base64 = (bytes: number) => randomBytes(bytes).toString('base64')
const base64url = (bytes: number) => randomBytes(bytes).toString('base64url')
const encoded = (text: string) => Buffer.from(text).toString('base64')
const lines = (...all: readonly string[]) => `${all.join('\n')}\n`

const split = (text: string, sign: string) => `${text.slice(0, 14)}${sign}${text.slice(14)}`

/** A password for a URL, where some signs would need an escape. */
const urlPassword = () => `${alnum(7)}-${alnum(6)}.9`

/** A secret at a place that shows it: a file of a known form, a line of code, a URL. */
export interface Place {
  readonly name: string
  readonly path?: string
  readonly content: () => string
}

const place = (name: string, content: () => string, path?: string): Place => ({
  name,
  content,
  ...(path ? { path } : {}),
})

export const places: readonly Place[] = [
  place('a password in Python', () => `password = "${password()}"\n`),
  place('a password in Java', () => `    private static final String DB_PASSWORD = "${password()}";\n`),
  place('a password in Go', () => `cfg := Config{User: "app", Password: "${password()}"}\n`),
  place('a password in JSON', () => JSON.stringify({ user: 'app', password: password() })),
  place('a password in YAML', () => lines('db:', '  user: app', `  password: ${password()}`)),
  place('a password in an env line', () => `POSTGRES_PASSWORD=${password()}\n`),
  place('a password in properties', () => `spring.datasource.password=${password()}\n`),
  place(
    'a password in a connection string',
    () => `Server=db;Database=app;User Id=app;Password=${password()};Encrypt=true\n`,
  ),
  place('a password in a JDBC URL', () => `jdbc:postgresql://db/app?user=app&password=${urlPassword()}\n`),
  place('a password in SQL', () =>
    `CREATE USER app WITH PASSWORD '${password()}';\n`.replace('PASSWORD ', 'PASSWORD = '),
  ),
  place('a passphrase', () => `passphrase: "${password()}"\n`),
  place('postgres', () => `DATABASE_URL=postgres://app:${urlPassword()}@db.internal:5432/app\n`),
  place('mysql', () => `url = "mysql://root:${urlPassword()}@10.0.0.3/app"\n`),
  place('mongodb+srv', () => `MONGO_URI=mongodb+srv://app:${urlPassword()}@cluster0.ab1cd.mongodb.net/app\n`),
  place('redis', () => `REDIS_URL=redis://:${urlPassword()}@cache:6379/0\n`),
  place('amqp', () => `amqp://app:${urlPassword()}@mq:5672/vhost\n`),
  place('basic authentication in a URL', () => `curl https://deploy:${urlPassword()}@ci.acme.dev/job\n`),
  place(
    'basic authentication in a header',
    () => `Authorization: Basic ${encoded(`deploy:${password()}`)}\n`,
  ),
  place(
    'basic authentication in code',
    () => `headers = {"Authorization": "Basic ${encoded(`deploy:${password()}`)}"}\n`,
  ),
  place(
    'a bearer token in code',
    () => `fetch(u, { headers: { Authorization: \`Bearer ${alnum(40)}\` } })\n`,
  ),
  place('.netrc', () => lines('machine api.acme.dev', '  login ada', `  password ${alnum(20)}`), '.netrc'),
  place('.netrc in one line', () => `machine api.acme.dev login ada password ${alnum(20)}\n`, '.netrc'),
  place('.pgpass', () => `db.acme.dev:5432:app:ada:${alnum(16)}\n`, '.pgpass'),
  place(
    '.pgpass with letters alone',
    () => `db.acme.dev:5432:app:ada:${['tLZRLXDH', 'dpgYSyHH'].join('')}\n`,
    '.pgpass',
  ),
  place('.git-credentials', () => `https://ada:${alnum(40)}@github.com\n`, '.git-credentials'),
  place(
    'a remote with a token',
    () => lines('[remote "origin"]', `\turl = https://${alnum(40)}@github.com/acme/app.git`),
    '.git/config',
  ),
  place('.npmrc with a token', () => `//packages.acme.dev/:_authToken=${alnum(36)}\n`, '.npmrc'),
  place(
    '.npmrc with a password',
    () => `//packages.acme.dev/:_password="${encoded(password())}"\n`,
    '.npmrc',
  ),
  place('.pypirc', () => lines('[pypi]', 'username = ada', `password = ${password()}`), '.pypirc'),
  place(
    "Docker's config.json",
    () => JSON.stringify({ auths: { 'registry.acme.dev': { auth: encoded(`ada:${password()}`) } } }, null, 2),
    '.docker/config.json',
  ),
  place(
    'Maven settings',
    () => `<server><id>acme</id><username>ada</username><password>${password()}</password></server>\n`,
    'settings.xml',
  ),
  place('htpasswd with apr1', () => `ada:$apr1$${alnum(8)}$${alnum(22)}\n`, '.htpasswd'),
  place('htpasswd with bcrypt', () => `ada:$2y$05$${alnum(53)}\n`, '.htpasswd'),
  place(
    'htpasswd with SHA',
    () => `ada:{SHA}${createHash('sha1').update(randomBytes(9)).digest('base64')}\n`,
    '.htpasswd',
  ),
  place('a shadow line', () => `ada:$6$${alnum(16)}$${alnum(86)}:19000:0:99999:7:::\n`, 'shadow'),
  place(
    'PuTTY',
    () =>
      lines(
        'PuTTY-User-Key-File-3: ssh-ed25519',
        'Encryption: none',
        'Comment: ada',
        'Private-Lines: 1',
        base64(36),
        `Private-MAC: ${hex(64)}`,
      ),
    'id.ppk',
  ),
  place('SSH2', () =>
    lines(
      '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----',
      'Comment: ada',
      base64(48),
      base64(48),
      '---- END SSH2 ENCRYPTED PRIVATE KEY ----',
    ),
  ),
  place('a private JWK', () =>
    JSON.stringify({ kty: 'EC', crv: 'P-256', x: base64url(32), y: base64url(32), d: base64url(32) }),
  ),
  place('a private RSA JWK', () =>
    JSON.stringify({ kty: 'RSA', n: base64url(256), e: 'AQAB', d: base64url(256) }),
  ),
  place('a symmetric JWK', () => JSON.stringify({ kty: 'oct', alg: 'HS256', k: base64url(32) })),
  place(
    'WireGuard',
    () => lines('[Interface]', `PrivateKey = ${base64(32)}`, 'Address = 10.0.0.1/24'),
    'wg0.conf',
  ),
  place('age', () => `AGE-SECRET-KEY-1${random('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L', 58)}\n`),
  place(
    'a Kubernetes secret',
    () => lines('kind: Secret', 'data:', `  password: ${encoded(password())}`),
    'secret.yaml',
  ),
  place(
    'a kubeconfig',
    () => lines('users:', '- user:', `    client-key-data: ${encoded(privateKey('RSA '))}`),
    'kubeconfig',
  ),
  place(
    'a Swarm join token',
    () => `docker swarm join --token SWMTKN-1-${lower(50)}-${lower(25)} 10.0.0.1:2377\n`,
  ),
  place('a Swarm unlock key', () => `docker swarm unlock # SWMKEY-1-${alnum(43)}\n`),
  place(
    'a Kubernetes bootstrap token',
    () => `kubeadm join 10.0.0.1:6443 --token ${lower(6)}.${lower(16)}\n`,
  ),
  place('Django', () => `SECRET_KEY = '${alnum(20)}!#(&${alnum(20)}$_${alnum(5)}'\n`, 'settings.py'),
  place(
    'Django, a new project',
    () => `SECRET_KEY = 'django-insecure-${alnum(20)}!#(&${alnum(22)}'\n`,
    'settings.py',
  ),
  place('Laravel', () => `APP_KEY=base64:${base64(32)}\n`, '.env'),
  place('Rails', () => `${hex(32)}\n`, 'config/master.key'),
  place('Rails in the environment', () => `RAILS_MASTER_KEY=${hex(32)}\n`),
  place('Rails key base', () => lines('production:', `  secret_key_base: ${hex(128)}`), 'config/secrets.yml'),
  place(
    'WordPress',
    () => `define('AUTH_KEY', '${alnum(20)} +|%${alnum(20)}{;}${alnum(15)}');\n`,
    'wp-config.php',
  ),
  place('WordPress password', () => `define( 'DB_PASSWORD', '${password()}' );\n`, 'wp-config.php'),
  place('an Ethereum key', () => `DEPLOYER_PRIVATE_KEY=0x${hex(64)}\n`),
  place('an Ethereum key in a list', () => `module.exports = { accounts: [PRIVATE_KEY = "0x${hex(64)}"] }\n`),
  place('AWS credentials', () =>
    lines(
      '[default]',
      `aws_access_key_id = AKIA${random('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}`,
      `aws_secret_access_key = ${base64(30)}`,
    ),
  ),
  place('AWS keys in CSV', () =>
    lines(
      'Access key ID,Secret access key',
      `AKIA${random('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)},${base64(30)}`,
    ),
  ),
  place(
    'Azure storage',
    () =>
      `DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=${base64(64)};EndpointSuffix=core.windows.net\n`,
  ),
  place(
    'Azure Service Bus',
    () =>
      `Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=${base64(32)}\n`,
  ),
  place(
    'Azure SAS',
    () =>
      `https://acme.blob.core.windows.net/c/f?sv=2024-05-04&sp=r&se=2027-01-01T00:00:00Z&sr=b&sig=${encodeURIComponent(base64(32))}\n`,
  ),
  place('a token with <wbr> in it', () => `<code>${split(githubToken(), '<wbr>')}</code>\n`),
  place('a token with a soft hyphen', () => `${split(githubToken(), '\u00ad')}\n`),
  place('a token with a zero-width space', () => `${split(githubToken(), '\u200b')}\n`),
  place('a token with Markdown escapes', () => `Use ${githubToken().replace('_', '\\_')} here\n`),
  place('a token on two lines of a shell', () => `login ${split(githubToken(), '\\\n')}\n`),
  place('a value in typographic quotes', () => `API_KEY=\u201c${alnum(32)}\u201d\n`),
  place('a query in a HAR', () =>
    JSON.stringify({ queryString: [{ name: 'api_key', value: alnum(32) }] }, null, 2),
  ),
  place('the environment of a pod', () => lines('env:', '  - name: API_TOKEN', `    value: ${alnum(32)}`)),
  place(
    'a hex secret in a text about Sourcegraph',
    () => `// see sourcegraph.com\nprivate static String CLIENT_SECRET = "${hex(40)}";\n`,
  ),
  place('a cookie', () => `Cookie: session=${alnum(64)}; theme=dark\n`),
  place('an option of a command', () => `deploy --user ada --password '${password()}' --force\n`),
  place('docker login', () => `docker login -u ada -p ${password()} registry.acme.dev\n`),
  place('sshpass', () => `sshpass -p ${password()} ssh ada@host\n`),
  place('an attribute beside its name', () => `<add key="ApiSecret" value="${alnum(32)}" />\n`),
  place(
    'a seed phrase',
    () =>
      `mnemonic="${['ripple', 'velvet', 'canyon', 'orbit', 'maple', 'sugar', 'timber', 'fossil', 'lunar', 'engine', 'hazard', 'wisdom'].join(' ')}"\n`,
  ),
]

import { chmod, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import {
  anyKey,
  awsKeyId,
  githubToken,
  gitlabToken,
  npmToken,
  privateKey,
  prose,
  stripeKey,
} from '../fixtures/fakes.ts'
import { type Case, onMain } from './case.ts'

/** A case of one file with one secret. */
export function inFile(
  name: string,
  path: string,
  content: (secret: string) => string | Buffer,
  secret: () => string = githubToken,
): Case {
  return {
    name,
    file() {
      const value = secret()
      return { path, content: content(value), secrets: [value] }
    },
  }
}

/** A secret in a line of code. */
export const line = (secret: string) => `const token = "${secret}"\n`
const latin = (text: string) => Buffer.from(text, 'latin1')

/** Kinds of secret, places and shapes of files. */
export const caughtContent: readonly Case[] = [
  inFile('a GitHub token in code', 'src/app.ts', line),
  inFile('a GitLab token in a shell script', 'ci.sh', s => `export GITLAB=${s}\n`, gitlabToken),
  inFile(
    'an AWS key id in an ini file',
    '.aws/credentials',
    s => `[default]\naws_access_key_id = ${s}\n`,
    awsKeyId,
  ),
  inFile('an npm token', '.npmrc', s => `//packages.example.com/:_authToken=${s}\n`, npmToken),
  inFile('a Stripe key', 'pay.py', s => `stripe.api_key = "${s}"\n`, stripeKey),
  inFile('a key that only its name reveals', 'config.json', s => `{"api_key": "${s}"}\n`, anyKey),
  inFile('an RSA key', 'id_rsa', s => s, privateKey),
  inFile(
    'an OpenSSH key',
    'keys/deploy',
    s => s,
    () => privateKey('OPENSSH '),
  ),
  inFile('an RSA key in a JSON string', 'service.json', s => JSON.stringify({ key: s }), privateKey),
  inFile('lines that end in CRLF', 'app.ini', s => `[a]\r\ntoken=${s}\r\nb=c\r\n`),
  inFile('the last line without a newline', 'notes.txt', s => `see\n${s}`),
  inFile('the first line', 'first.txt', s => `${s}\nsee\n`),
  inFile('a path with spaces, quotes and letters of all kinds', 'a b/ü "q" \'s\' 日本.txt', line),
  inFile('a file name with a line break and a tab', 'odd\n\tname.txt', line),
  inFile('a hidden file', '.env', s => `TOKEN=${s}\n`),
  inFile('a picture by name (svg)', 'logo.svg', s => `<svg><!-- ${s} --></svg>\n`),
  inFile('a picture by name (png)', 'logo.png', line),
  inFile('a document by name (pdf)', 'paper.pdf', line),
  inFile('a font by name', 'font.woff2', line),
  inFile('a program by name', 'tool.exe', line),
  inFile('a lock file', 'package-lock.json', s => `{"token": "${s}"}\n`),
  inFile('a lock file of checksums', 'Podfile.lock', s => `  Token: ${s}\n`, anyKey),
  inFile('node_modules', 'node_modules/left-pad/index.js', line),
  inFile('a vendored tree', 'vendor/github.com/acme/lib/lib.go', line),
  inFile('go.sum', 'go.sum', s => `${s}\n`),
  inFile('a file called gitleaks.toml', 'gitleaks.toml', s => `title = "${s}"\n`),
  inFile('a Python environment', 'venv/lib/python3.11/site.py', line),
  inFile('a library by name', 'static/jquery-3.7.1.min.js', line),
  inFile('a line that says gitleaks:allow', 'src/app.ts', s => `const token = "${s}" // gitleaks:allow\n`),
  inFile('a NUL first', 'data.bin', s => latin(`\0${s}\n`)),
  inFile('NULs all around', 'data.bin', s => latin(`\0\x01\x02\0\0${s}\0\0\x03`)),
  inFile('the start of a PDF', 'x.txt', s => `%PDF-1.7\n${s}\n`),
  inFile("gzip's magic, and then text", 'x.txt', s => latin(`\x1f\x8b\x08\0\n${s}\n`)),
  inFile("zip's magic, and then text", 'x.txt', s => latin(`PK\x03\x04\n${s}\n`)),
  inFile('the start of a Windows program', 'x.txt', s => latin(`MZ\x90\0\n${s}\n`)),
  inFile('the magic of a tar at its offset', 'x.txt', s => latin(`${' '.repeat(257)}ustar\n${s}\n`)),
  inFile('the magic of an ISO image at its offset', 'x.txt', s =>
    latin(`${' '.repeat(32_769)}CD001\n${s}\n`),
  ),
  inFile('bytes that are not UTF-8', 'x.txt', s => latin(`\xff\xfe\xfd\xe9 ${s} \xff\n`)),
  inFile('one line of 2 MB', 'app.min.js', s => `${prose(2_000_000).replaceAll('\n', ';')}t="${s}"`),
  inFile('one line of 2 MB, in its middle', 'app.min.js', s => {
    const half = prose(1_000_000).replaceAll('\n', ';')
    return `${half}t="${s}";${half}`
  }),
  inFile('the end of 10 MB of text', 'big.log', s => `${prose(10_000_000)}${s}\n`),
  inFile(
    'a secret with no whitespace around it',
    'x.txt',
    s => `${'=;'.repeat(60_000)}${s}${';='.repeat(60_000)}\n`,
  ),
  inFile(
    'a Kubernetes secret',
    'secret.yaml',
    s =>
      `apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  password: ${Buffer.from(s).toString('base64')}\n`,
    anyKey,
  ),
  inFile(
    'a Terraform password',
    'main.tf',
    s => `resource "x" "y" {\n  administrator_login_password = "${s}"\n}\n`,
    anyKey,
  ),
  inFile('a NuGet password', 'nuget.config', s => `<add key="ClearTextPassword" value="${s}" />\n`, anyKey),
  inFile(
    'a key store',
    'release.p12',
    () => latin('\x30\x82\x0a\x01'),
    () => 'no text at all',
  ),
  ...[99_000, 100_000, 98_000, 8 << 20, (8 << 20) - 20].map(edge =>
    inFile(
      `across byte ${edge} of a file`,
      'edge.txt',
      s => `${prose(edge - 60).slice(0, edge - 18)}\n${s}\nand on\n`,
    ),
  ),
  {
    name: 'a private key across the windows of a large file',
    async make(work) {
      const key = privateKey()
      await work.write('big.txt', `${prose(97_900).slice(0, 97_900)}\n${key}${prose(50_000)}`)
      await work.commit()
      return onMain(key)
    },
  },
  {
    name: 'the last of 2,000 files',
    async make(work) {
      for (let i = 0; i < 2000; i++) await work.write(`src/part-${i}.txt`, `part ${i}\n`)
      const secret = githubToken()
      await work.write('src/part-zzz.txt', line(secret))
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'several secrets in one line',
    async make(work) {
      const secrets = [githubToken(), awsKeyId(), stripeKey()]
      await work.write('.env', `A=${secrets.join(' B=')} C=${secrets[0]}\n`)
      await work.commit()
      return onMain(...secrets)
    },
  },
  {
    name: 'an executable file',
    async make(work) {
      const secret = githubToken()
      await work.write('run', `#!/bin/sh\nTOKEN=${secret} exec app\n`)
      await chmod(join(work.dir, 'run'), 0o755)
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'the target of a symbolic link',
    async make(work) {
      const secret = githubToken()
      await symlink(`/srv/${secret}`, join(work.dir, 'link'))
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: "the tree's own .gitleaks.toml allows everything",
    async make(work) {
      const secret = githubToken()
      await work.write('.gitleaks.toml', '[allowlist]\npaths = [".*"]\nregexes = [".*"]\n')
      await work.write('app.ts', line(secret))
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: "the tree's own .gitleaksignore names the finding",
    async make(work) {
      const secret = githubToken()
      await work.write('app.ts', line(secret))
      const commit = await work.commit()
      await work.write('.gitleaksignore', `${commit}:app.ts:github-pat:1\napp.ts:github-pat:1\n`)
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'attributes that call the file a binary',
    async make(work) {
      const secret = githubToken()
      await work.write('.gitattributes', '* binary -diff -text\n')
      await work.write('app.ts', line(secret))
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'attributes that show the file through a driver',
    async make(work) {
      const secret = githubToken()
      await work.write('.gitattributes', '*.ts diff=quiet filter=quiet working-tree-encoding=UTF-8\n')
      await work.write('app.ts', line(secret))
      await work.commit()
      return onMain(secret)
    },
  },
]

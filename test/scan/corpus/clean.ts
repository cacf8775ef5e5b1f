import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { deflateSync, gzipSync } from 'node:zlib'
import { packedBy, png, tar, wideText, zip } from '../fixtures/archives.ts'
import { prose } from '../fixtures/fakes.ts'
import { type Case, onMain } from './case.ts'

/** Split, so that this file itself does not look like the start of a key. */
const KEY_BEGINS = ['-----BEGIN RSA', 'PRIVATE KEY-----'].join(' ')

const hash = (algorithm: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHash(algorithm).update(randomBytes(20)).digest(encoding)
const times = (count: number, make: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => make(i)).join('\n')

function harmless(name: string, path: string, content: () => string | Buffer): Case {
  return { name, file: () => ({ path, content: content(), secrets: [] }) }
}

/** Pushes without a secret, with content that looks like a secret. */
export const cleanCases: readonly Case[] = [
  harmless('a package-lock.json', 'package-lock.json', () =>
    JSON.stringify(
      {
        packages: Object.fromEntries(
          Array.from({ length: 300 }, (_, i) => [
            `node_modules/p${i}`,
            {
              version: `1.${i}.0`,
              resolved: `https://packages.example.com/p${i}/-/p${i}-1.${i}.0.tgz`,
              integrity: `sha512-${hash('sha512', 'base64')}`,
            },
          ]),
        ),
      },
      null,
      2,
    ),
  ),
  harmless('a yarn.lock', 'yarn.lock', () =>
    times(
      200,
      i =>
        `p${i}@^1.0.0:\n  version "1.0.${i}"\n  resolved "https://packages.example.com/p${i}/-/p${i}-1.0.${i}.tgz#${hash('sha1')}"\n  integrity sha512-${hash('sha512', 'base64')}\n`,
    ),
  ),
  harmless('a pnpm-lock.yaml', 'pnpm-lock.yaml', () =>
    times(200, i => `  /p${i}@1.0.0:\n    resolution: {integrity: sha512-${hash('sha512', 'base64')}}`),
  ),
  harmless('a go.sum', 'go.sum', () =>
    times(200, i => `github.com/acme/p${i} v1.0.${i} h1:${hash('sha256', 'base64')}`),
  ),
  harmless('a Cargo.lock', 'Cargo.lock', () =>
    times(200, i => `[[package]]\nname = "p${i}"\nversion = "1.0.0"\nchecksum = "${hash('sha256')}"\n`),
  ),
  harmless('a poetry.lock', 'poetry.lock', () =>
    times(200, i => `    {file = "p${i}.whl", hash = "sha256:${hash('sha256')}"},`),
  ),
  harmless('minified code', 'dist/app.min.js', () =>
    times(400, i => `var a${i}=function(b,c){return b.key===c?b.auth:"${i}"};`).replaceAll('\n', ''),
  ),
  harmless('a source map', 'dist/app.js.map', () =>
    JSON.stringify({ version: 3, mappings: 'AAAA,CAAC,SAAS;'.repeat(3000), sources: ['a.ts'] }),
  ),
  harmless('UUIDs', 'ids.csv', () => times(1000, i => `${i},${randomUUID()}`)),
  harmless('checksums', 'SHA256SUMS', () => times(300, i => `${hash('sha256')}  file-${i}.tar.gz`)),
  harmless('ids of commits', 'CHANGES.md', () =>
    times(300, i => `- ${hash('sha1')} change ${i} (${hash('sha1').slice(0, 7)})`),
  ),
  // One string on each line: among strings between commas, one in some ten thousand reads like `…key","…` and matches a
  // rule.
  harmless('base64 of random bytes', 'test/vectors.b64', () =>
    times(200, () => randomBytes(60).toString('base64')),
  ),
  harmless('hex of random bytes', 'test/vectors.txt', () =>
    times(300, () => randomBytes(64).toString('hex')),
  ),
  harmless(
    'the documented AWS example',
    'README.md',
    () => `aws_access_key_id = AKIA${'IOSFODNN7EXAMPLE'}\n`,
  ),
  harmless(
    'placeholders in a .env.example',
    '.env.example',
    () =>
      'GITHUB_TOKEN=<your token here>\nAPI_KEY=xxxxxxxxxxxxxxxxxxxxxxxx\nSECRET=changeme\nPASSWORD=${PASSWORD}\n',
  ),
  harmless(
    'a placeholder of a GitHub token',
    'docs/auth.md',
    () => `export GITHUB_TOKEN=ghp_${'x'.repeat(36)}\n`,
  ),
  harmless(
    'names of environment variables',
    'src/env.ts',
    () =>
      'const apiKey = process.env.API_KEY\nconst token = config.get("github.token")\nconst secret = import.meta.env.VITE_SECRET\n',
  ),
  harmless(
    'secrets of a workflow',
    '.github/workflows/ci.yml',
    () => 'env:\n  TOKEN: ${{ secrets.GITHUB_TOKEN }}\n  NPM_TOKEN: ${{ secrets.NPM_TOKEN }}\n',
  ),
  harmless(
    'a template of a Kubernetes secret',
    'chart/secret.yaml',
    () => 'apiVersion: v1\nkind: Secret\ndata:\n  password: {{ .Values.password | b64enc }}\n',
  ),
  harmless(
    'a compose file',
    'compose.yml',
    () => 'services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: ${DB_PASSWORD}\n',
  ),
  harmless(
    'Terraform variables',
    'main.tf',
    () => 'resource "a" "b" {\n  administrator_login_password = var.password\n}\n',
  ),
  harmless('a picture', 'logo.png', () =>
    Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), deflateSync(randomBytes(60_000))]),
  ),
  harmless('a megabyte of random bytes', 'weights.bin', () => randomBytes(1_000_000)),
  harmless(
    'a picture in a data URI',
    'style.css',
    () => `a { background: url(data:image/png;base64,${randomBytes(20_000).toString('base64')}) }\n`,
  ),
  harmless('a notebook with pictures', 'study.ipynb', () =>
    JSON.stringify({
      cells: [{ outputs: [{ data: { 'image/png': randomBytes(30_000).toString('base64') } }] }],
    }),
  ),
  harmless('a zip of code', 'src.zip', () => zip({ 'a.ts': prose(20_000), 'b/c.ts': prose(5_000) })),
  harmless('a tar.gz of code', 'src.tgz', () => gzipSync(tar({ 'a.ts': prose(20_000) }))),
  harmless('a tar.xz of code', 'src.txz', () => packedBy('xz', tar({ 'a.ts': prose(20_000) }))),
  harmless('UTF-16 text', 'strings.reg', () => wideText(prose(5_000), { mark: true })),
  harmless(
    'an SSH public key',
    'keys.pub',
    () =>
      `ssh-ed25519 ${Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0 '), randomBytes(32)]).toString('base64')} ada@example.com\n`,
  ),
  harmless('a public key', 'public.pem', () =>
    generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }),
  ),
  harmless(
    'a certificate',
    'ca.pem',
    () =>
      `-----BEGIN CERTIFICATE-----\n${randomBytes(900)
        .toString('base64')
        .replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`,
  ),
  harmless(
    'code that looks for private keys',
    'src/detect.ts',
    () => `if (text.startsWith('${KEY_BEGINS}')) return 'pem'\n${prose(300)}`,
  ),
  harmless(
    'escapes in code',
    'src/paths.ts',
    () =>
      'const re = /\\x41\\u0042\\d+/\nconst path = "C:\\\\Users\\\\new\\\\table"\nconst s = "a%20b%2Fc"\n',
  ),
  harmless(
    'an SVG',
    'icon.svg',
    () =>
      `<svg><path d="${times(500, i => `M${i} ${i * 2}l${i % 7}-${i % 5}`).replaceAll('\n', '')}"/></svg>\n`,
  ),
  harmless('translations', 'de.json', () =>
    JSON.stringify({
      'password.label': 'Passwort',
      'token.help': 'Das Token steht in den Einstellungen',
      'secret.title': 'Geheimnis',
    }),
  ),
  harmless(
    'an OpenAPI document',
    'api.yaml',
    () =>
      'components:\n  securitySchemes:\n    token:\n      type: apiKey\n      name: X-Api-Key\n      in: header\n',
  ),
  harmless('numbers', 'data.csv', () => times(3000, i => `${i},${Math.sin(i)},${Math.cos(i)}`)),
  harmless('a bun.lock of one-line entries', 'bun.lock', () =>
    times(
      300,
      i =>
        `    "p${i}": ["p${i}@1.0.${i}", "", { "dependencies": {} }, "sha512-${hash('sha512', 'base64')}"],`,
    ),
  ),
  harmless('a Gemfile.lock with checksums', 'Gemfile.lock', () =>
    times(200, i => `    p${i} (1.0.${i}) sha256=${hash('sha256')}\n      q (~> 1.${i})`),
  ),
  harmless('a requirements.txt with hashes', 'requirements.txt', () =>
    times(
      200,
      i => `p${i}==1.0.${i} \\\n    --hash=sha256:${hash('sha256')} \\\n    --hash=sha256:${hash('sha256')}`,
    ),
  ),
  harmless('a Podfile.lock', 'ios/Podfile.lock', () =>
    times(60, () => `  KeychainAccess: ${hash('sha1')}\n  Token: ${hash('sha1')}`),
  ),
  harmless('a deno.lock', 'deno.lock', () =>
    times(60, () => `    "https://deno.land/std@0.1/crypto/keys.ts": "${hash('sha256')}",`),
  ),
  harmless('Gradle’s verification metadata', 'gradle/verification-metadata.xml', () =>
    times(60, () => `<trusted-key id="${hash('sha1').toUpperCase()}" group="com.acme"/>`),
  ),
  harmless('a log of renames in a database', 'db/App.refactorlog', () =>
    times(60, () => `  <Operation Name="Rename Refactor" Key="${randomUUID()}" ChangeDateTime="05/06/2024">`),
  ),
  harmless('a pub lock file', 'pubspec.lock', () =>
    times(200, i => `  p${i}:\n    description:\n      name: p${i}\n      sha256: "${hash('sha256')}"`),
  ),
  harmless('a web font in CSS', 'font.css', () => {
    const font = Buffer.concat([Buffer.from('wOFF'), randomBytes(300), deflateSync(randomBytes(20_000))])
    return `@font-face { src: url(data:font/woff;base64,${font.toString('base64')}) }\n`
  }),
  harmless('WebAssembly', 'app.wasm', () =>
    Buffer.concat([
      Buffer.from('\0asm\x01\0\0\0', 'latin1'),
      randomBytes(200_000),
      Buffer.from('memory\0token\0'),
    ]),
  ),
  harmless('a picture with a comment', 'photo.png', () =>
    png(
      'zTXt',
      Buffer.concat([Buffer.from('Comment\0\0'), deflateSync('Made with a camera, key light at 45°')]),
    ),
  ),
  harmless('a large picture in one piece', 'big.png', () =>
    png('IDAT', deflateSync(Buffer.concat([randomBytes(50_000), Buffer.alloc(40_000_000)]))),
  ),
  harmless('a picture as a list of bytes', 'icon.h', () => {
    const bytes = [...randomBytes(20_000)]
    return `static const unsigned char icon[] = {${bytes.map(byte => `0x${byte.toString(16)}`).join(', ')}};\n`
  }),
  harmless(
    'a picture as decimal bytes',
    'icon.js',
    () => `export const icon = [${[...randomBytes(20_000)].join(', ')}]\n`,
  ),
  harmless('measurements in two digits', 'heat.csv', () =>
    times(2000, i => Array.from({ length: 24 }, (_, hour) => 48 + ((i * 7 + hour * 13) % 70)).join(',')),
  ),
  harmless('a hex dump of random bytes', 'dump.txt', () =>
    times(
      600,
      i =>
        `${(i * 16).toString(16).padStart(8, '0')}: ${randomBytes(16).toString('hex').replace(/.{4}/g, '$& ')} ................`,
    ),
  ),
  harmless('base32 of random bytes', 'codes.txt', () =>
    times(300, () =>
      Array.from(randomBytes(40), byte => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.charAt(byte & 31)).join(''),
    ),
  ),
  harmless(
    'quoted-printable mail',
    'welcome.eml',
    () =>
      `Content-Transfer-Encoding: quoted-printable\r\n\r\n${times(200, i => `Gr=C3=BC=C3=9Fe Nr. ${i}, your key account is in the portal=\r\n, see =E2=80=9Csecrets=E2=80=9D.\r`)}`,
  ),
  harmless('a page of entities', 'page.html', () =>
    times(
      300,
      i => `<p>Passw&ouml;rter &amp; Schl&uuml;ssel &#8211; &lowbar;token&lowbar; ${i} &lt;key&gt;</p>`,
    ),
  ),
  harmless('URLs with escapes in escapes', 'links.txt', () =>
    times(300, i => `https://h/login?next=%252Fcallback%253Fstate%253D${randomUUID()}%2526page%253D${i}`),
  ),
  harmless('mathematics with x^2', 'proof.md', () =>
    times(500, i => `x^2 + ${i}x^3 = (x^${i} - 1)(x^2 + x + 1) over GF(p)`),
  ),
  harmless('an SQL dump with blobs', 'dump.sql', () =>
    times(
      200,
      i =>
        `INSERT INTO files VALUES (${i}, X'${randomBytes(100).toString('hex')}', '\\x${randomBytes(40).toString('hex')}');`,
    ),
  ),
  harmless('a snapshot of a test', 'app.test.ts.snap', () =>
    times(
      300,
      i =>
        `exports[\`renders ${i}\`] = \`"<div class=\\"c${hash('sha1').slice(0, 8)}\\" data-id=\\"${randomUUID()}\\">\\n</div>"\`;`,
    ),
  ),
  harmless('protobuf messages', 'fixtures.binpb', () =>
    Buffer.concat(
      Array.from({ length: 500 }, (_, i) => {
        const name = Buffer.from(`item-${i}`)
        return Buffer.concat([Buffer.from([10, name.length]), name, Buffer.from([18, 16]), randomBytes(16)])
      }),
    ),
  ),
  harmless('a JWT of an example', 'docs/jwt.md', () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    return `The header is \`${part({ alg: 'HS256', typ: 'JWT' })}\`, the claims are \`${part({ sub: '1234567890', name: 'Ada' })}\`.\n`
  }),
  harmless('hashes in a bcrypt fixture', 'users.json', () =>
    JSON.stringify(Array.from({ length: 50 }, (_, id) => ({ id, etag: `W/"${hash('sha1', 'base64')}"` }))),
  ),
  {
    name: 'a bundle of git',
    async make(work) {
      await work.write('big.ts', prose(50_000))
      await work.commit()
      await work.git('bundle', 'create', '--quiet', 'all.bundle', 'main')
      await work.commit('Bundle')
      return onMain()
    },
  },
  {
    name: 'commits with wrong clocks',
    async make(work) {
      for (const seconds of [2_200_000_000, 900_000_000, 1_900_000_000, 1_000_000_000]) {
        await work.write('a', `${seconds}\n`)
        const commit = await work.git('cat-file', 'commit', await work.commit())
        await work.write('../commit', `${commit.replace(/^(committer .*>) .*$/m, `$1 ${seconds} +0000`)}\n`)
        await work.git('reset', '--hard', await work.git('hash-object', '-t', 'commit', '-w', '../commit'))
      }
      return onMain()
    },
  },
  {
    name: 'the header of a key in one file and the footer in the next',
    async make(work) {
      await work.write('a.ts', `const begin = '${KEY_BEGINS}'\n${prose(200)}`)
      await work.write('b.ts', `${prose(200)}const end = '-----END RSA PRIVATE KEY-----'\n`)
      await work.commit()
      return onMain()
    },
  },
  {
    name: '2,000 small files',
    async make(work) {
      for (let i = 0; i < 2000; i++)
        await work.write(`vendor/lib-${i % 40}/part-${i}.js`, `module.exports = ${i} // ${hash('sha1')}\n`)
      await work.commit()
      return onMain()
    },
  },
  {
    name: 'a commit message with ids and trailers',
    async make(work) {
      await work.write('a', 'a\n')
      await work.commit(
        `Fix the key\n\nThis reverts commit ${hash('sha1')}.\n\nChange-Id: I${hash('sha1')}\nSigned-off-by: Ada <ada@example.com>`,
      )
      return onMain()
    },
  },
]

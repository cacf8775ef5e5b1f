import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import { packedBy, png, tar, wideText, zip } from '../fixtures/archives.ts'
import { githubToken, privateKey, prose } from '../fixtures/fakes.ts'
import type { Case, Work } from './case.ts'
import { onMain } from './content.ts'

/** Split, so that this file itself does not look like the start of a key. */
const KEY_BEGINS = ['-----BEGIN RSA', 'PRIVATE KEY-----'].join(' ')

const hash = (algorithm: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHash(algorithm).update(randomBytes(20)).digest(encoding)
const times = (count: number, make: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => make(i)).join('\n')

function harmless(name: string, path: string, content: () => string | Buffer): Case {
  return {
    name,
    async make(work) {
      await work.write(path, content())
      await work.commit()
      return onMain()
    },
  }
}

/** A repository whose upstream already holds secrets, and a push that changes something beside them. */
function beside(
  name: string,
  change: (work: Work, olds: readonly string[]) => Promise<readonly string[] | undefined>,
): Case {
  return {
    name,
    async make(work) {
      const olds = [githubToken(), githubToken(), privateKey()]
      await work.write('src/config.ts', `${prose(2000)}const token = "${olds[0]}"\n${prose(2000)}`)
      await work.write('deploy/.env', `TOKEN=${olds[1]}\nA=1\n`)
      await work.write('deploy/key.pem', olds[2] ?? '')
      await work.write('fixtures/old.zip', zip({ 'a.txt': `token ${olds[0]}\n` }))
      await work.write('fixtures/old.reg', wideText(`token ${olds[0]}\n`, { mark: true }))
      await work.commit('Old secrets')
      await work.publish('main')
      const refspecs = await change(work, olds)
      return refspecs ? { refspecs, secrets: [] } : onMain()
    },
  }
}

const append = async (work: Work, path: string, text: string) => {
  const before = await work.git('show', `HEAD:${path}`)
  await work.write(path, `${before}\n${text}`)
}

/** Pushes without a new secret, with content that looks like a secret, or beside secrets that upstream has. */
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
  beside('a file of upstream with a secret is touched elsewhere', async work =>
    append(work, 'src/config.ts', 'export default token\n')
      .then(() => work.commit())
      .then(() => undefined),
  ),
  beside('its lines move', async work => {
    const before = await work.git('show', 'HEAD:src/config.ts')
    await work.write('src/config.ts', `${prose(500)}${before}\n`)
    await work.commit()
    return undefined
  }),
  beside('a file with a secret is renamed', async work => {
    await work.git('mv', 'deploy/.env', 'deploy/production.env')
    await work.commit()
    return undefined
  }),
  beside('a folder with secrets is renamed', async work => {
    await work.git('mv', 'deploy', 'infra')
    await work.commit()
    return undefined
  }),
  beside('a file with a secret is renamed and changed at once', async work => {
    const before = await work.git('show', 'HEAD:src/config.ts')
    await work.git('rm', '--quiet', 'src/config.ts')
    await work.write('lib/settings.ts', `// moved\n${before}\n`)
    await work.commit()
    return undefined
  }),
  beside('it is renamed, and changed by the next commit, and the next', async work => {
    await work.git('mv', 'src/config.ts', 'src/settings.ts')
    await work.commit()
    await append(work, 'src/settings.ts', 'one\n')
    await work.commit()
    await append(work, 'src/settings.ts', 'two\n')
    await work.commit()
    return undefined
  }),
  beside('a file with a secret is copied', async work => {
    await work.write('copy.env', `${await work.git('show', 'HEAD:deploy/.env')}\n`)
    await work.commit()
    return undefined
  }),
  beside('its mode changes', async work => {
    await chmod(join(work.dir, 'deploy/.env'), 0o755)
    await work.commit()
    return undefined
  }),
  beside('its line endings change', async work => {
    await work.write(
      'deploy/.env',
      `${await work.git('show', 'HEAD:deploy/.env')}\n`.replaceAll('\n', '\r\n'),
    )
    await work.commit()
    return undefined
  }),
  beside('it is deleted, and the deletion is reverted', async work => {
    await rm(join(work.dir, 'deploy'), { recursive: true })
    await work.commit('Delete')
    await work.git('revert', '--no-edit', 'HEAD')
    return undefined
  }),
  beside('its line moves to another file', async (work, [, token]) => {
    await work.write('deploy/.env', 'A=1\n')
    await work.write('deploy/secret.env', `TOKEN=${token}\n`)
    await work.commit()
    return undefined
  }),
  beside('an archive of upstream with a secret gets another file', async (work, [token]) => {
    await work.write('fixtures/old.zip', zip({ 'a.txt': `token ${token}\n`, 'b.txt': 'b\n' }))
    await work.commit()
    return undefined
  }),
  beside('a UTF-16 file of upstream with a secret is touched', async (work, [token]) => {
    await work.write('fixtures/old.reg', wideText(`token ${token}\nmore\n`, { mark: true }))
    await work.commit()
    return undefined
  }),
  beside(
    'a file with a secret is deleted, and created elsewhere with a change by the next commit',
    async (work, [, token]) => {
      await work.git('rm', '--quiet', 'deploy/.env')
      await work.commit('Delete')
      await work.write('infra/production.env', `TOKEN=${token}\nA=1\nB=2\n`)
      await work.commit('Make anew')
      return undefined
    },
  ),
  beside('a file with a secret is copied and changed at once', async (work, [, token]) => {
    await work.write('copy.env', `# a copy\nTOKEN=${token}\n`)
    await work.commit()
    return undefined
  }),
  beside('a key is copied into another file', async (work, [, , key]) => {
    await work.write('deploy/all.pem', `the key:\n${key}\n`)
    await work.commit()
    return undefined
  }),
  beside('a commit of another branch of upstream is picked', async work => {
    const secret = githubToken()
    await work.git('checkout', '--quiet', '-b', 'other')
    await work.write('other.ts', `const token = "${secret}"\n`)
    const commit = await work.commit('Other')
    await work.publish('other')
    await work.git('checkout', '--quiet', 'main')
    await work.write('main.ts', 'main\n')
    await work.commit('Main')
    await work.git('cherry-pick', commit)
    return undefined
  }),
  beside('upstream is merged into a branch from before the secrets', async work => {
    await work.git('checkout', '--quiet', '-b', 'feature', 'HEAD^')
    await work.write('feature.ts', 'feature\n')
    await work.commit()
    await work.git('merge', '--quiet', '--no-ff', '--message', 'Merge main', 'main')
    return ['HEAD:refs/heads/feature']
  }),
  beside('a merge with a conflict beside the secret', async work => {
    await work.git('checkout', '--quiet', '-b', 'feature')
    await work.write('deploy/.env', `${await work.git('show', 'main:deploy/.env')}\nB=feature\n`)
    await work.commit()
    await work.git('checkout', '--quiet', 'main')
    await work.write('deploy/.env', `${await work.git('show', 'main:deploy/.env')}\nB=main\n`)
    await work.commit()
    await work.git('merge', 'feature').catch(() => '')
    await work.write('deploy/.env', `${await work.git('show', 'main~1:deploy/.env')}\nB=both\n`)
    await work.commit('Merge feature')
    return undefined
  }),
  beside('a new branch at an old commit', async () => ['HEAD:refs/heads/again', 'HEAD~1:refs/heads/before']),
  beside('a tag on an old commit', async work => {
    await work.git('tag', '--annotate', 'v1', '--message', 'One')
    return ['refs/tags/v1']
  }),
  {
    name: 'a tag of upstream under a second name',
    async make(work) {
      await work.git('tag', '--annotate', 'v1', '--message', `Release ${githubToken()}`)
      await work.publish('refs/tags/v1')
      await work.git('tag', 'latest', 'v1')
      return { refspecs: ['refs/tags/latest'], secrets: [] }
    },
  },
  {
    name: 'a file of upstream whose name has a secret is moved, deleted and made again',
    async make(work) {
      const secret = githubToken()
      await work.write(`keys/${secret}.txt`, 'nothing\n')
      await work.commit()
      await work.publish('main')
      await work.git('mv', 'keys', 'old')
      await work.commit('Move')
      await work.git('rm', '-r', '--quiet', 'old')
      await work.commit('Delete')
      await work.write(`keys/${secret}.txt`, 'again\n')
      await work.commit('Again')
      return onMain()
    },
  },
  {
    name: 'other line endings for 2,600 files of upstream with secrets',
    async make(work) {
      const lines = Array.from({ length: 2_600 }, () => `token ${githubToken()}\n`)
      for (const [i, text] of lines.entries()) await work.write(`old/${i % 50}/file-${i}.txt`, text)
      await work.commit('Old secrets')
      await work.publish('main')
      for (const [i, text] of lines.entries())
        await work.write(`old/${i % 50}/file-${i}.txt`, text.replace('\n', '\r\n'))
      await work.commit('Line endings')
      return onMain()
    },
  },
  beside('a branch is deleted', async work => {
    await work.publish('main:refs/heads/gone')
    return [':refs/heads/gone']
  }),
  beside('a rebase of a commit beside the secrets', async work => {
    await work.git('checkout', '--quiet', '-b', 'feature', 'HEAD^')
    await work.write('feature.ts', 'feature\n')
    await work.commit()
    await work.git('rebase', '--quiet', 'main')
    return ['HEAD:refs/heads/feature']
  }),
]

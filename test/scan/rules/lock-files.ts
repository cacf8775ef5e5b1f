import { createHash, randomBytes, randomUUID } from 'node:crypto'

/** The index of Rust's crates, as Cargo.lock names it. */
const CRATES_INDEX = ['https://github.com/rust-lang/crates', 'io-index'].join('.')

const digest = (algorithm: string, encoding: 'hex' | 'base64' | 'base64url' = 'hex') =>
  createHash(algorithm).update(randomBytes(20)).digest(encoding)
const lines = (...all: readonly string[]) => `${all.join('\n')}\n`

/** Names of packages with a word in them that rules look for. */
const PACKAGES = [
  'keygen',
  'api-key',
  'apikey',
  'access-token',
  'jsonwebtoken',
  'csrf-token',
  'auth',
  'auth-token',
  'oauth2-secret',
  'passport-auth',
  'client-secret',
  'secret-manager',
  'keytar',
  'public-key',
  'token',
  'credential',
  'password-hash',
]

interface LockFile {
  readonly path: string
  readonly content: (name: string) => string
}

/** The lines of a package in the lock and sum files of package managers. */
const LOCK_FILES: readonly LockFile[] = [
  {
    path: 'go.sum',
    content: name =>
      lines(
        `github.com/acme/${name} v0.1.2 h1:${digest('sha256', 'base64')}`,
        `github.com/acme/${name} v0.1.2/go.mod h1:${digest('sha256', 'base64')}`,
        `github.com/acme/${name} v0.0.0-20240102030405-${digest('sha1').slice(0, 12)} h1:${digest('sha256', 'base64')}`,
      ),
  },
  {
    path: 'acme-1.0.dist-info/RECORD',
    content: name =>
      lines(
        `acme/${name}.py,sha256=${digest('sha256', 'base64url')},1234`,
        `acme/${name.replaceAll('-', '_')}.pyi,sha256=${digest('sha256', 'base64url')},20`,
        'acme-1.0.dist-info/RECORD,,',
      ),
  },
  {
    path: 'go.work.sum',
    content: name => `${name}.dev/x v1.2.3+incompatible h1:${digest('sha256', 'base64')}\n`,
  },
  {
    path: 'package-lock.json',
    content: name =>
      lines(
        `    "node_modules/@acme/${name}": {`,
        '      "version": "1.2.3",',
        `      "resolved": "https://packages.example.com/${name}/-/${name}-1.2.3.tgz",`,
        `      "integrity": "sha512-${digest('sha512', 'base64')}",`,
        '      "license": "MIT"',
        '    }',
      ),
  },
  {
    path: 'npm-shrinkwrap.json',
    content: name =>
      lines(`"${name}": {"version": "1.0.0", "integrity": "sha1-${digest('sha1', 'base64')}"}`),
  },
  {
    path: 'yarn.lock',
    content: name =>
      lines(
        `"@acme/${name}@^1.0.0":`,
        '  version "1.0.1"',
        `  resolved "https://packages.example.com/${name}/-/${name}-1.0.1.tgz#${digest('sha1')}"`,
        `  integrity sha512-${digest('sha512', 'base64')}`,
      ),
  },
  {
    path: 'yarn.lock',
    content: name =>
      lines(
        `"${name}@npm:^1.0.0":`,
        '  version: 1.0.1',
        `  resolution: "${name}@npm:1.0.1"`,
        `  checksum: 10c0/${digest('sha512')}`,
        '  languageName: node',
      ),
  },
  {
    path: 'pnpm-lock.yaml',
    content: name =>
      lines(
        `  ${name}@1.0.1:`,
        `    resolution: {integrity: sha512-${digest('sha512', 'base64')}}`,
        `  /${name}/1.0.1_${digest('md5')}:`,
        `    resolution: {tarball: https://codeload.github.com/acme/${name}/tar.gz/${digest('sha1')}}`,
      ),
  },
  {
    path: 'bun.lock',
    content: name => `    "${name}": ["${name}@1.0.1", "", {}, "sha512-${digest('sha512', 'base64')}"],\n`,
  },
  {
    path: 'Cargo.lock',
    content: name =>
      lines(
        '[[package]]',
        `name = "${name}"`,
        'version = "1.0.1"',
        `source = "registry+${CRATES_INDEX}"`,
        `checksum = "${digest('sha256')}"`,
      ),
  },
  {
    path: 'Cargo.lock',
    content: name => `"checksum ${name} 0.1.0 (registry+${CRATES_INDEX})" = "${digest('sha256')}"\n`,
  },
  {
    path: 'Cargo.lock',
    content: name => `source = "git+https://github.com/acme/${name}?branch=main#${digest('sha1')}"\n`,
  },
  {
    path: 'poetry.lock',
    content: name =>
      lines(
        '[[package]]',
        `name = "${name}"`,
        'files = [',
        `    {file = "${name}-1.0.whl", hash = "sha256:${digest('sha256')}"},`,
        ']',
        `content-hash = "${digest('sha256')}"`,
      ),
  },
  {
    path: 'uv.lock',
    content: name =>
      lines(
        '[[package]]',
        `name = "${name}"`,
        `sdist = { url = "https://files.example.com/packages/ab/${name}-1.0.tar.gz", hash = "sha256:${digest('sha256')}", size = 1234 }`,
      ),
  },
  {
    path: 'pdm.lock',
    content: name =>
      lines(`name = "${name}"`, `    {file = "${name}.tar.gz", hash = "sha256:${digest('sha256')}"},`),
  },
  {
    path: 'Pipfile.lock',
    content: name =>
      lines(
        `        "${name}": {`,
        '            "hashes": [',
        `                "sha256:${digest('sha256')}",`,
        `                "sha256:${digest('sha256')}"`,
        '            ],',
        '            "version": "==1.0"',
      ),
  },
  {
    path: 'requirements.txt',
    content: name =>
      lines(
        `${name}==1.0.1 \\`,
        `    --hash=sha256:${digest('sha256')} \\`,
        `    --hash=sha256:${digest('sha256')}`,
      ),
  },
  {
    path: 'composer.lock',
    content: name =>
      lines(
        '        {',
        `            "name": "acme/${name}",`,
        `            "source": {"type": "git", "url": "https://github.com/acme/${name}.git", "reference": "${digest('sha1')}"},`,
        `            "dist": {"type": "zip", "url": "https://api.github.com/repos/acme/${name}/zipball/${digest('sha1')}", "reference": "${digest('sha1')}", "shasum": ""},`,
        `            "content-hash": "${digest('md5')}"`,
      ),
  },
  {
    path: 'Gemfile.lock',
    content: name =>
      lines(
        `    ${name} (1.0.1)`,
        'CHECKSUMS',
        `  ${name} (1.0.1) sha256=${digest('sha256')}`,
        '  remote: https://github.com/acme/auth.git',
        `  revision: ${digest('sha1')}`,
      ),
  },
  {
    path: 'flake.lock',
    content: name =>
      lines(
        `    "${name}": {`,
        '      "locked": {',
        `        "narHash": "sha256-${digest('sha256', 'base64')}",`,
        `        "repo": "${name}",`,
        `        "rev": "${digest('sha1')}",`,
      ),
  },
  {
    path: 'gradle.lockfile',
    content: name => `io.acme:${name}-api:0.11.5=compileClasspath,runtimeClasspath\n`,
  },
  {
    path: 'gradle/verification-metadata.xml',
    content: name =>
      lines(
        `      <component group="com.acme" name="${name}" version="1.0">`,
        `         <artifact name="${name}-1.0.jar">`,
        `            <sha256 value="${digest('sha256')}" origin="Generated by Gradle"/>`,
        `         <trusted-key id="${digest('sha1').toUpperCase()}" group="com.acme" name="${name}"/>`,
      ),
  },
  {
    path: 'mix.lock',
    content: name =>
      `  "${name.replaceAll('-', '_')}": {:hex, :${name.replaceAll('-', '_')}, "1.11.1", "${digest('sha256')}", [:mix, :rebar3], [], "hexpm", "${digest('sha256')}"},\n`,
  },
  {
    path: 'rebar.lock',
    content: name => ` {<<"${name.replaceAll('-', '_')}">>, <<"${digest('sha256').toUpperCase()}">>},\n`,
  },
  {
    path: 'pubspec.lock',
    content: name =>
      lines(
        `  ${name.replaceAll('-', '_')}:`,
        '    description:',
        `      name: ${name.replaceAll('-', '_')}`,
        `      sha256: "${digest('sha256')}"`,
        '      url: "https://packages.example.com"',
      ),
  },
  {
    path: 'Package.resolved',
    content: name =>
      lines(
        `      "identity" : "${name}",`,
        `      "location" : "https://github.com/acme/${name}",`,
        '      "state" : {',
        `        "revision" : "${digest('sha1')}",`,
        '        "version" : "1.0.1"',
        `  "originHash" : "${digest('sha256')}",`,
      ),
  },
  {
    path: 'Podfile.lock',
    content: name =>
      lines('SPEC CHECKSUMS:', `  ${name}: ${digest('sha1')}`, `  "${name}/Core": ${digest('sha1')}`),
  },
  { path: 'Cartfile.resolved', content: name => `github "acme/${name}" "${digest('sha1')}"\n` },
  {
    path: 'deno.lock',
    content: name =>
      lines(
        `    "https://deno.land/x/${name}@1.0/mod.ts": "${digest('sha256')}",`,
        `      "integrity": "sha512-${digest('sha512', 'base64')}"`,
      ),
  },
  {
    path: 'packages.lock.json',
    content: name =>
      lines(
        `      "Acme.${name}": {`,
        '        "type": "Direct",',
        '        "resolved": "1.0.1",',
        `        "contentHash": "${digest('sha512', 'base64')}"`,
      ),
  },
  { path: 'paket.lock', content: name => `    Acme.${name} (1.0.1) - sha512: ${digest('sha512')}\n` },
  { path: 'conan.lock', content: name => `        "${name}/1.0.1#${digest('md5')}%1700000000.1",\n` },
  {
    path: 'Manifest.toml',
    content: name =>
      lines(`[[deps.${name}]]`, `git-tree-sha1 = "${digest('sha1')}"`, `uuid = "${randomUUID()}"`),
  },
  {
    path: 'renv.lock',
    content: name =>
      lines(`    "${name}": {`, `      "Package": "${name}",`, `      "Hash": "${digest('md5')}"`),
  },
  {
    path: '.terraform.lock.hcl',
    content: name =>
      lines(
        `provider "example.com/acme/${name}" {`,
        '  hashes = [',
        `    "h1:${digest('sha256', 'base64')}",`,
        `    "zh:${digest('sha256')}",`,
      ),
  },
  {
    path: 'Chart.lock',
    content: name => lines(`- name: ${name}`, '  version: 1.0.1', `digest: sha256:${digest('sha256')}`),
  },
  {
    path: 'conda-lock.yml',
    content: name =>
      lines(
        `- name: ${name}`,
        `  url: https://conda.example.com/${name}.conda`,
        '  hash:',
        `    md5: ${digest('md5')}`,
        `    sha256: ${digest('sha256')}`,
      ),
  },
  {
    path: 'MODULE.bazel.lock',
    content: name =>
      lines(
        `    "https://bcr.example.com/modules/${name}/1.0/MODULE.bazel": "${digest('sha256')}",`,
        `        "integrity": "sha256-${digest('sha256', 'base64')}"`,
      ),
  },
  {
    path: 'stack.yaml.lock',
    content: name =>
      lines(
        `    hackage: ${name}-1.0.1@sha256:${digest('sha256')},1234`,
        `      sha256: ${digest('sha256')}`,
        '      size: 1234',
      ),
  },
  {
    path: 'SHA256SUMS',
    content: name =>
      lines(
        `${digest('sha256')}  ${name}-1.0.tar.gz`,
        `${digest('sha256')} *${name}.zip`,
        `SHA256 (${name}.tgz) = ${digest('sha256')}`,
      ),
  },
  {
    path: 'buf.lock',
    content: name =>
      lines(
        'deps:',
        `    repository: ${name}`,
        `    commit: ${digest('md5')}`,
        `    digest: b5:${digest('sha512')}`,
      ),
  },
]

export const lockFiles: readonly { path: string; name: string; content: string }[] = LOCK_FILES.flatMap(
  ({ path, content }) => PACKAGES.map(name => ({ path, name, content: content(name) })),
)

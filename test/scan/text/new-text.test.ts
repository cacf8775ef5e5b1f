import { randomInt, randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import type { IncomingPush } from '../../../container/checks/check.ts'
import { defaultLimits } from '../../../container/checks/limits.ts'
import { newObjectsOf } from '../../../container/checks/objects/new-objects.ts'
import { predecessorsOf } from '../../../container/checks/secrets/new-text/predecessors.ts'
import { CleanObjects, type KnownClean } from '../../../container/checks/secrets/scan/clean-objects.ts'
import { runScanJob } from '../../../container/checks/secrets/scan/scan-job.ts'
import { deltaChange } from '../../../container/git/objects/delta-change.ts'
import { anyKey, awsKeyId, githubToken, privateKey, prose, stripeKey } from '../fixtures/fakes.ts'
import { gitleaks } from '../fixtures/gitleaks.ts'
import { templates, workTree } from '../fixtures/repositories.ts'

afterAll(() => templates.dispose())

const FILES = 32
const VERSIONS = 8
const limits = { ...defaultLimits, maxBlobBytes: 50 << 20 }
const pick = <T>(from: readonly T[]): T => from[randomInt(from.length)] as T

/** Lines that a version of a file may gain. */
const plain: readonly (() => string)[] = [
  () => prose(600),
  () => prose(60),
  () => '\n\n',
  () => `const token = "${githubToken()}"\n`,
  () => `const token =\n\n  "${githubToken()}"\n`,
  () => `api_key = '${anyKey()}' # ${awsKeyId()}\n`,
  () =>
    `curl -X POST \\\n  --data x \\\n  -H "Authorization: Bearer ${anyKey()}" \\\n  https://api.example.com/\n`,
  () => `password: ""\nsecret: &x\n  - ${anyKey()}\n`,
]

/** Plain pieces, and pieces with which a file is scanned whole. */
const pieces: readonly (() => string)[] = [
  ...plain,
  () => privateKey(),
  () =>
    `${Buffer.from(prose(900) + stripeKey())
      .toString('base64')
      .replace(/.{64}/g, '$&\n')}\n`,
  () => `data = "${gzipSync(`${prose(300)} ${githubToken()}`).toString('base64')}"\n`,
  () =>
    `${[...Buffer.from(`token=${githubToken()};`)]
      .map(byte => `0x${byte.toString(16)}`)
      .join(', ')
      .replace(/(?:0x.., ){12}/g, '$&\n')}\n`,
  () => `name: café\nkind: Secret\ndata:\n  key: ${Buffer.from(anyKey()).toString('base64')}\n`,
  () => `escaped = "\\u0074oken=${githubToken()}"\n`,
  () => `from: quoted-printable\n=74=6F=6B=65=6E=3D${githubToken()}\n`,
  () => `${'long '.repeat(400)}${githubToken()}${' line'.repeat(400)}\n`,
]

/** Changes a text as an editor does: lines come, go, move and change. */
function edited(text: string, from: readonly (() => string)[]): string {
  const lines = text.split('\n')
  for (let i = randomInt(1, 4); i > 0; i--) {
    const at = randomInt(lines.length + 1)
    const kind = randomInt(5)
    if (kind === 0) lines.splice(at, randomInt(1, 12))
    else if (kind === 1) lines.push(...lines.splice(at, randomInt(1, 30)))
    else if (kind === 2 && lines[at]) lines[at] = `${lines[at]}${pick([' ', 'x', '"', '='])}`
    else lines.splice(at, 0, ...pick(from)().split('\n'))
  }
  return lines.join('\n')
}

const names = ['a.txt', 'b.ts', 'c.yaml', 'd.php', 'e.tf']

interface Scanned {
  readonly findings: ReadonlySet<string>
  /** The bytes given to gitleaks. */
  readonly bytes: number
  readonly clean: Buffer | undefined
}

interface ScanChoice {
  readonly isWhole?: boolean
  /** Two threads share the scan. */
  readonly isShared?: boolean
  readonly knownClean?: KnownClean | undefined
}

async function scanOf(
  push: IncomingPush,
  { isWhole = false, isShared = !isWhole, knownClean }: ScanChoice = {},
): Promise<Scanned> {
  const { signal } = new AbortController()
  const introduced = await newObjectsOf(push, limits, signal)
  const { entries: _, sizes: __, ...newObjects } = introduced
  const folder = join(push.scratch, randomUUID())
  await mkdir(push.scratch, { recursive: true })
  let bytes = 0
  const { newFindings, clean } = await runScanJob(
    {
      git: { dir: push.git.dir, env: push.git.env },
      commands: push.commands,
      pushOptions: [],
      gitleaksConfig: '',
      newObjects,
      predecessors: isWhole ? new Map() : predecessorsOf(introduced),
      knownClean,
      // The scan of the new text is shared by two threads.
      minSharedBytes: isShared ? 0 : Number.POSITIVE_INFINITY,
      limits,
      gitleaks,
      folder,
      isInProcess: false,
    },
    {
      signal,
      onPhase: () => {},
      onScanned: scanned => {
        bytes += scanned
      },
    },
  )
  const found = newFindings.map(({ rule, item, line, encodings, archivePath, secret }) =>
    JSON.stringify([item.path, item.commit, rule, line, encodings, archivePath, secret]),
  )
  return { findings: new Set(found), bytes, clean }
}

function expectSame(found: Scanned, expected: Scanned): void {
  expect([...expected.findings].filter(finding => !found.findings.has(finding))).toEqual([])
  expect([...found.findings].filter(finding => !expected.findings.has(finding))).toEqual([])
}

test('a scan of the new text of each version finds the same at the same places as a scan of all', async () => {
  const tree = await workTree()
  const texts = Array.from({ length: FILES }, (_, i) => ({
    path: `${i}-${pick(names)}`,
    pieces: i % 4 === 0 ? pieces : plain,
    text: `${prose(8_000)}${pick(plain)()}${prose(12_000)}`,
  }))
  const save = async (message: string) => {
    for (const { path, text } of texts) await tree.write(path, text)
    return tree.commit(message)
  }
  await save('Begin')
  const isUpstream = randomInt(2) === 0
  if (isUpstream) await tree.publish('main')
  for (let version = 1; version < VERSIONS; version++) {
    for (const file of texts) if (randomInt(3) > 0) file.text = edited(file.text, file.pieces)
    await save(`Version ${version}`)
  }
  const push = await tree.push(['main:refs/heads/new'])
  const [found, expected] = [await scanOf(push), await scanOf(push, { isWhole: true })]
  expectSame(found, expected)
  expect(found.bytes).toBeLessThan(expected.bytes)

  // Without the objects that scans of the push's older half, and of the push itself, have found clean.
  const memory = new CleanObjects()
  const half = await tree.push([`main~${VERSIONS >> 1}:refs/heads/new`])
  let bytes = found.bytes
  for (const each of [half, push, push]) {
    const knownClean = await memory.of('demo', '', gitleaks)
    const scanned = await scanOf(each, { knownClean })
    if (knownClean && scanned.clean) memory.add('demo', knownClean, scanned.clean)
    if (each === half) continue
    expectSame(scanned, expected)
    expect(scanned.bytes).toBeLessThan(bytes)
    bytes = scanned.bytes
  }
  await tree.dispose()
}, 120_000)

test('a scan of a long file finds in its change, as the push sends it, the same as a scan of all', async () => {
  const tree = await workTree()
  let text = Array.from({ length: 4_000 }, (_, i) => `line ${i}: ${prose(100).replaceAll('\n', ' ')}\n`).join(
    '',
  )
  let old = ''
  const save = async () => {
    await tree.write('long.txt', text)
    await tree.commit()
    const id = await tree.git('rev-parse', 'HEAD:long.txt')
    return [id, Buffer.byteLength(text)] as const
  }
  const publish = async () => {
    const [id] = await save()
    await tree.publish('main')
    old = id
  }
  await publish()
  let changes = 0
  for (let version = 0; version < 6; version++) {
    // The push before tells the traits of the text that this one replaces.
    text = edited(text, [() => prose(100)])
    await save()
    await scanOf(await tree.push(['main:refs/heads/new']), { isShared: false })
    await publish()
    text = edited(text, plain)
    const [id, size] = await save()
    const push = await tree.push(['main:refs/heads/new'])
    if (await deltaChange(push.git, id, size, old)) changes++
    const found = await scanOf(push, { isShared: false })
    expectSame(found, await scanOf(push, { isWhole: true }))
    expect(found.bytes).toBeLessThan(size)
    await publish()
  }
  expect(changes).toBeGreaterThan(0)
  await tree.dispose()
}, 120_000)

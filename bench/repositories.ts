import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import { gitText } from '../test/harness/git.ts'

const WORDS =
  'the of and to in is that for it as was with be by on not he this are or his from at which but have an had they you were their one all we can her has there been if more when will would who so no said what up its about into than them only other new some could time these two may then do first any my now such like our over man me even most made after also did many before must through back years where much your way well down should because each just those people how too little state good very make world still own see men work long get here between both life being under never day same another know while last might us great old year off come since against go came right used take three'.split(
    ' ',
  )

/** Returns random lines of words, which compress like source text and prose. */
export function text(bytes: number): Buffer {
  const out = Buffer.alloc(bytes)
  const chance = randomBytes(Math.ceil(bytes / 2))
  let at = 0
  for (let i = 0; at < bytes; i++) {
    const word = WORDS[(chance[i % chance.length] ?? 0) % WORDS.length] ?? ''
    at += out.write(i % 12 === 11 ? `${word}\n` : `${word} `, at)
  }
  return out
}

/** Returns random bytes, which do not compress. */
export const binary = (bytes: number): Buffer => randomBytes(bytes)

export interface Shape {
  readonly commits?: number
  readonly branches?: number
  /** The number of files in the first commit, each of `fileBytes`. */
  readonly files?: number
  readonly fileBytes?: number
  readonly content?: (bytes: number) => Buffer
}

/** Creates a packed bare repository of this shape, with a branch `main`, by git-fast-import(1). */
export async function makeRepository(dir: string, shape: Shape): Promise<void> {
  const { commits = 20, branches = 0, files = 20, fileBytes = 2_000, content = text } = shape
  await gitText(['init', '-q', '--bare', '-b', 'main', dir])
  const child = spawn('git', ['fast-import', '--quiet'], { cwd: dir, stdio: ['pipe', 'ignore', 'inherit'] })
  const write = writer(child)
  for (let i = 0; i < files; i++) {
    await write(`blob\nmark :${i + 1}\ndata ${fileBytes}\n`)
    await write(content(fileBytes))
    await write('\n')
  }
  for (let i = 0; i < commits; i++) {
    const committer = `Ada <ada@example.com> ${1_700_000_000 + i} +0000`
    await write(`commit refs/heads/main\ncommitter ${committer}\ndata <<END\nChange ${i}\nEND\n`)
    if (i === 0)
      for (let f = 0; f < files; f++) await write(`M 100644 :${f + 1} folder-${f % 10}/file-${f}.txt\n`)
    else await write(`M 100644 inline counter.txt\ndata <<END\n${i}\nEND\n`)
  }
  child.stdin?.end()
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`)
  await gitText(['repack', '-adq'], { cwd: dir, within: 600_000 })
  await gitText(['pack-refs', '--all'], { cwd: dir })
  if (branches > 0) await addBranches(dir, branches)
  fs.writeFileSync(`${dir}/git-daemon-export-ok`, '')
}

/** Adds branches at `main` to packed-refs (git-pack-refs(1)): git would first write a file for each. */
async function addBranches(dir: string, count: number): Promise<void> {
  const main = (await gitText(['rev-parse', 'refs/heads/main'], { cwd: dir })).trim()
  const names = Array.from({ length: count }, (_, i) => `refs/heads/other/branch-${i}`)
  const lines = ['refs/heads/main', ...names].sort().map(name => `${main} ${name}\n`)
  const head = '# pack-refs with: peeled fully-peeled sorted \n'
  fs.writeFileSync(`${dir}/packed-refs`, head + lines.join(''))
}

const writer = (child: ChildProcess) => async (bytes: string | Buffer) => {
  if (child.stdin?.write(bytes) === false) await once(child.stdin, 'drain')
}

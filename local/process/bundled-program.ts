import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'
import { buildBundle } from './build-bundle.ts'
import { type Bundle, isCurrent, writeBundle } from './bundle-cache.ts'
import { COMPILE_CACHE } from './compile-cache.ts'

const root = path.join(import.meta.dirname, '../..')
const atRoot = (file: string) => path.join(root, file)

/** Beside a program's own modules. npm writes the last at each change of a package. */
const INPUTS = [
  'local/process/bundled-program.ts',
  'local/process/build-bundle.ts',
  'tsconfig.json',
  'package-lock.json',
  'node_modules/.package-lock.json',
]

/**
 * Returns the file that runs a program of the project, such as `cli/main.ts`: its hundreds of modules in one file, in
 * `folder`. To load them one by one takes half of a start's processor time. The file is built again when a module
 * has changed. The program itself is returned where the file cannot be built or kept.
 */
export async function bundledProgram(main: string, folder = COMPILE_CACHE): Promise<string> {
  const cache = path.join(folder, main.replace('/main.ts', '.mjs'))
  if (isCurrent(cache)) return cache
  const program = atRoot(main)
  if (!canWrite(folder)) return program
  const began = Date.now()
  try {
    writeBundle(cache, await build(program), began)
  } catch {
    // Node reports a module that cannot be read.
  }
  return isCurrent(cache) ? cache : program
}

function canWrite(folder: string): boolean {
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    fs.accessSync(folder, fs.constants.W_OK)
    return true
  } catch {
    return false
  }
}

async function build(program: string): Promise<Bundle> {
  const { code, inputs } = await buildBundle(program, {
    absWorkingDir: root,
    platform: 'node',
    target: 'node24',
    // Node's own conditions: esbuild would add `module`.
    conditions: ['node-addons'],
    // Packages that are CommonJS require Node's modules.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    plugins: [ownPlaces, onlyEnglish],
  })
  const modules = inputs.filter(file => !file.startsWith('node_modules/'))
  return { code, inputs: [...modules, ...INPUTS].map(atRoot).filter(fs.existsSync) }
}

/** Modules find the project's files from their own place, not from the bundle's. */
const ownPlaces: Plugin = {
  name: 'own places',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, ({ path: file }) => ({
      loader: 'ts',
      contents: fs
        .readFileSync(file, 'utf8')
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href))
        .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file))),
    })),
}

/** zod's messages in other languages are 64 modules. */
const onlyEnglish: Plugin = {
  name: 'only English',
  setup: ({ onLoad }) =>
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "export * from './en.js'" })),
}

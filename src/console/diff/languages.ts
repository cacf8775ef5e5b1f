import type { Language } from './grammars.js'

/** The ends of the names of a language's files, or whole names, in lower case. */
const ENDS: Readonly<Record<Language, readonly string[]>> = {
  bash: ['.sh', '.bash', '.zsh'],
  cpp: ['.c', '.h', '.cc', '.cpp', '.hpp', '.cxx'],
  css: ['.css'],
  dockerfile: ['dockerfile', '.dockerfile'],
  go: ['.go'],
  java: ['.java', '.kt'],
  json: ['.json', '.jsonc', '.json5', '.webmanifest'],
  python: ['.py', '.pyi'],
  ruby: ['.rb', 'gemfile', 'rakefile'],
  rust: ['.rs'],
  sql: ['.sql'],
  typescript: ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs'],
  xml: ['.xml', '.html', '.htm', '.svg', '.xhtml'],
  yaml: ['.yaml', '.yml'],
}

const byEnd = new Map(
  Object.entries(ENDS).flatMap(([name, ends]) => ends.map(end => [end, name as Language])),
)

/** Returns the language of a file by the end of its name, or by its whole name. */
export function languageOf(path: string): Language | undefined {
  const file = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  return byEnd.get(file) ?? byEnd.get(file.slice(Math.max(file.lastIndexOf('.'), 0)))
}

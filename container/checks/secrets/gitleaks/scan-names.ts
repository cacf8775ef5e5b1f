export const NEUTRAL_NAME = 'x.txt'
export const YAML_NAME = 'x.yaml'
export const KEY_STORE_NAME = 'x.p12'
/** The name of files that hold a Rails master key and nothing else. */
const RAILS_KEY_NAME = 'x.key'

/**
 * File names that rules ask for, with the name that such a file is scanned under. A compressed file
 * counts under its name before `.gz` and the like.
 */
const NAME_RULES: readonly [RegExp, string][] = [
  ['nuget\\.config', 'nuget.config'],
  ['\\.php', 'x.php'],
  ['\\.(?:tf|hcl)', 'x.tf'],
  ['\\.ya?ml', YAML_NAME],
  ['(?:^|/)[^/]+\\.p(?:12|fx)', KEY_STORE_NAME],
  ['(?:^|/)(?:master|credentials/\\w+)\\.key', RAILS_KEY_NAME],
].map(([pattern, name]) => [new RegExp(`${pattern}(?:\\.(?:gz|z|bz2|xz|zst))?$`, 'i'), name ?? ''])

/**
 * Returns the name that a file is scanned under. Two paths with the same scan name give the same matches. Files that no
 * rule asks for by name get a neutral name, so that no path allow-list of gitleaks skips them.
 */
export function scanNameFor(path: string): string {
  if (path === lastPath) return lastName
  lastPath = path
  lastName = NAME_RULES.find(([pattern]) => pattern.test(path))?.[1] ?? NEUTRAL_NAME
  return lastName
}

/** Every view of a file is asked for by the same path. */
let [lastPath, lastName] = ['', NEUTRAL_NAME]

/** Returns whether a rule asks for a name such as this. */
export const hasNameRule = (path: string) => scanNameFor(path) !== NEUTRAL_NAME

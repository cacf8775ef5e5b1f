/** Settings that no schema has: of the CLI, of compose.yaml, and of the gate's own child processes. */
const OTHERS = [
  'GATE_URL',
  'GATE_ADMIN_TOKEN',
  'GATE_ACCESS_CLIENT_ID',
  'GATE_ACCESS_CLIENT_SECRET',
  'GATE_BIND',
  'GATE_COMPANION_MEMORY',
  'GATE_WORKER_MEMORY',
  'GATE_PARENT_DEATH_PROGRAM',
  'GATE_PARENT_DEATH_SIGNAL',
]
/** Keys and tokens have variables with names of the operator's choice. */
const PREFIXES = ['GATE_IDENTITY_', 'GATE_CREDENTIAL_']

/** Returns one line about the first GATE_… variable that is no setting; undefined if all are. */
export function unknownSetting(
  env: Readonly<Record<string, unknown>>,
  known: readonly string[],
): string | undefined {
  const names = [...new Set([...known, ...OTHERS])]
  const unknown = Object.keys(env).find(
    name => /^GATE_/.test(name) && !names.includes(name) && !PREFIXES.some(prefix => name.startsWith(prefix)),
  )
  if (unknown === undefined) return undefined
  const [nearest = ''] = names.toSorted((a, b) => distance(a, unknown) - distance(b, unknown))
  const hint = distance(nearest, unknown) <= MAX_TYPOS ? `; did you mean ${nearest}?` : ''
  return `${unknown}: there is no such setting${hint} (docs/settings.md lists them)`
}

const MAX_TYPOS = 4

/** The least number of inserted, deleted and replaced characters between two names (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, character] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j += 1)
      next.push(
        Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (character === b[j] ? 0 : 1)),
      )
    row = next
  }
  return row.at(-1) ?? 0
}

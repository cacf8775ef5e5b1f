/**
 * Git's glob: wildmatch.c with WM_PATHNAME (git-for-each-ref(1), gitignore(5)). `*` and `?` match within a
 * path component; `**` between slashes or at an end crosses components; sets and classes work as in
 * fnmatch(3). Matches bytes. The time is bounded by the pattern's length times the text's length, because an
 * agent chooses the text.
 */
export interface Glob {
  test(text: string): boolean
}

/** A token of a compiled pattern. A place is an index into the tokens. */
type Token =
  | { readonly kind: 'take'; readonly takes: (byte: number) => boolean; readonly literal?: number }
  /** Matches any number of bytes for which `takes` is true. */
  | { readonly kind: 'repeat'; readonly takes: (byte: number) => boolean }
  /** Makes the next token optional. */
  | { readonly kind: 'optional' }
  /** Matches any bytes up to and including a slash. */
  | { readonly kind: 'through-slash' }

const SLASH = 0x2f
const STAR = 0x2a
const QUESTION_MARK = 0x3f
const inComponent = (byte: number) => byte !== SLASH
const anything = () => true
const nothing = () => false

const compiled = new Map<string, Glob>()

/** Compiles a glob. Caches the result, since grants hold few patterns and every push uses them again. */
export function compileGlob(pattern: string): Glob {
  const cached = compiled.get(pattern)
  if (cached) return cached
  const tokens = tokensOf(pattern)
  const literals = literalsOf(tokens)
  const glob = {
    test: (text: string) => literals.every(literal => text.includes(literal)) && matches(tokens, text),
  }
  if (compiled.size >= 10_000) compiled.clear()
  compiled.set(pattern, glob)
  return glob
}

/**
 * Matches a host pattern of ssh (ssh_config(5), PATTERNS): `*` matches any characters, `?` matches one, and
 * every other character is literal. The time is bounded as for a glob.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === text
  const tokens = Array.from(encoder.encode(pattern), (byte): Token => {
    if (byte === STAR) return { kind: 'repeat', takes: anything }
    if (byte === QUESTION_MARK) return { kind: 'take', takes: anything }
    return { kind: 'take', takes: other => other === byte }
  })
  return matches(tokens, text)
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = []
  const bytes = new TextEncoder().encode(pattern)
  const charAt = (index: number) => String.fromCharCode(bytes[index] ?? 0)
  for (let i = 0; i < bytes.length; ) {
    const byte = bytes[i] ?? 0
    if (charAt(i) === '*') {
      let end = i
      while (charAt(end) === '*') end++
      const atSlash =
        end === bytes.length || charAt(end) === '/' || (charAt(end) === '\\' && charAt(end + 1) === '/')
      const deep = end - i > 1 && (i === 0 || charAt(i - 1) === '/') && atSlash
      if (deep && charAt(end) === '/') {
        tokens.push({ kind: 'optional' }, { kind: 'through-slash' })
        end++
      } else tokens.push({ kind: 'repeat', takes: deep ? anything : inComponent })
      i = end
    } else if (charAt(i) === '?') {
      tokens.push({ kind: 'take', takes: inComponent })
      i++
    } else if (charAt(i) === '[') {
      const set = readSet(bytes, i + 1)
      // wildmatch.c matches nothing with a set that has no end.
      tokens.push({ kind: 'take', takes: set?.takes ?? nothing })
      i = set?.end ?? bytes.length
    } else {
      const escaped = charAt(i) === '\\'
      const literal = escaped ? bytes[i + 1] : byte
      tokens.push(
        literal === undefined
          ? { kind: 'take', takes: nothing }
          : { kind: 'take', takes: other => other === literal, literal },
      )
      i += escaped ? 2 : 1
    }
  }
  return tokens
}

const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[\x21-\x7e]/,
  lower: /[a-z]/,
  print: /[\x20-\x7e]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\r]/,
  upper: /[A-Z]/,
  xdigit: /[A-Fa-f0-9]/,
}

/** Reads the set whose content begins at `start`. Returns undefined if it has no end or an unknown class. */
function readSet(
  bytes: Uint8Array,
  start: number,
): { takes: (byte: number) => boolean; end: number } | undefined {
  const members = new Set<number>()
  const charAt = (index: number) => String.fromCharCode(bytes[index] ?? 0)
  const negated = charAt(start) === '!' || charAt(start) === '^'
  let i = start + (negated ? 1 : 0)
  let previous: number | undefined
  for (let first = true; first || charAt(i) !== ']'; first = false, i++) {
    let byte = bytes[i]
    if (byte === undefined) return undefined
    const next = charAt(i + 1)
    if (charAt(i) === '-' && previous !== undefined && i + 1 < bytes.length && next !== ']') {
      i += next === '\\' ? 2 : 1
      const last = bytes[i]
      if (last === undefined) return undefined
      for (let member = previous; member <= last; member++) members.add(member)
      previous = undefined
      continue
    }
    if (charAt(i) === '[' && next === ':') {
      const end = bytes.indexOf(0x5d, i + 2)
      if (end < 0) return undefined
      if (end - i > 2 && charAt(end - 1) === ':') {
        const name = String.fromCharCode(...bytes.slice(i + 2, end - 1))
        const characters = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined
        if (!characters) return undefined
        for (let member = 0; member < 128; member++)
          if (characters.test(String.fromCharCode(member))) members.add(member)
        i = end
        previous = undefined
        continue
      }
    }
    if (charAt(i) === '\\') {
      i++
      byte = bytes[i]
      if (byte === undefined) return undefined
    }
    members.add(byte)
    previous = byte
  }
  return { takes: other => other !== SLASH && members.has(other) !== negated, end: i + 1 }
}

/** Returns the literal runs between wildcards. Most texts lack a run, and so need no simulation. */
function literalsOf(tokens: readonly Token[]): string[] {
  const runs: number[][] = [[]]
  for (const token of tokens)
    if (token.kind === 'take' && token.literal !== undefined) runs.at(-1)?.push(token.literal)
    else runs.push([])
  return runs.filter(run => run.length > 0).map(run => new TextDecoder().decode(Uint8Array.from(run)))
}

const encoder = new TextEncoder()

/**
 * Simulates the pattern as a nondeterministic automaton: tracks the set of reachable places for each byte.
 */
function matches(tokens: readonly Token[], text: string): boolean {
  const bytes = encoder.encode(text)
  let current: number[] = []
  let next: number[] = []
  /** The step at which each place was last reached, by place. */
  const reachedAt = new Int32Array(tokens.length + 1).fill(-1)
  const reach = (places: number[], place: number, step: number): void => {
    if (reachedAt[place] === step) return
    reachedAt[place] = step
    places.push(place)
    const token = tokens[place]
    if (token?.kind === 'repeat') reach(places, place + 1, step)
    if (token?.kind === 'optional') {
      reach(places, place + 1, step)
      reach(places, place + 2, step)
    }
  }
  reach(current, 0, 0)
  for (let position = 0; position < bytes.length; position++) {
    const byte = bytes[position] ?? 0
    next.length = 0
    for (const place of current) {
      const token = tokens[place]
      if (token === undefined || token.kind === 'optional') continue
      if (token.kind === 'through-slash') {
        reach(next, place, position + 1)
        if (byte === SLASH) reach(next, place + 1, position + 1)
      } else if (token.takes(byte)) reach(next, token.kind === 'repeat' ? place : place + 1, position + 1)
    }
    if (next.length === 0) return false
    ;[current, next] = [next, current]
  }
  return current.includes(tokens.length)
}

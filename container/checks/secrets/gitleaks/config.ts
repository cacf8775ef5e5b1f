import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { z } from 'zod'
import { GateFault } from '../../check.ts'
import type { KeywordSearch } from './keyword-search.ts'
import { displayPath, type LocatedMatch } from './locate.ts'
import { NeededRules, neededRulesOf, type WrittenRules } from './needed-rules.ts'
import { PathPatterns } from './path-patterns.ts'
import { ScanFileWriter } from './scan-files.ts'
import { gateConfigPath, runGitleaks } from './verified-run.ts'

/** The configuration of a scan, and the part of it that the gate applies itself. */
export interface ScanConfig {
  /** Finds the keywords of the rules; undefined: every run of gitleaks gets all rules. */
  readonly keywords: KeywordSearch | undefined
  /** The rules, for another thread; undefined with the keywords. */
  readonly rules: WrittenRules | undefined
  /** Writes the configuration for texts with these keywords, and returns its path. */
  readonly fileFor: (found: ReadonlySet<string>) => Promise<string>
  /** Returns whether a match passes the operator's path rules. */
  readonly passesPathRules: (match: LocatedMatch) => boolean
  /** The ids of the operator's own rules. */
  readonly operatorRules: ReadonlySet<string>
}

const Pattern = z.string().min(1).max(4000)
const Id = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'a rule id is letters, digits, ".", "_" and "-"')
  .refine(id => !id.startsWith('git-gate-'), 'rule ids that start with git-gate- are the gate’s own')

const allowlist = {
  description: z.string().optional(),
  condition: z.enum(['OR', 'AND', 'or', 'and', '||', '&&']).optional(),
  paths: z.array(Pattern).optional(),
  regexTarget: z.enum(['secret', 'match', 'line']).optional(),
  regexes: z.array(Pattern).optional(),
  stopwords: z.array(z.string().min(3)).optional(),
}
const RuleAllowlist = z.strictObject(allowlist)
const GlobalAllowlist = z.strictObject({ ...allowlist, targetRules: z.array(Id).optional() })

const OperatorConfig = z.strictObject({
  title: z.string().optional(),
  description: z.string().optional(),
  extend: z
    .strictObject({ useDefault: z.literal(true).optional(), disabledRules: z.array(Id).optional() })
    .optional(),
  allowlists: z.array(GlobalAllowlist).optional(),
  rules: z
    .array(
      z.strictObject({
        id: Id,
        description: z.string().optional(),
        regex: Pattern.optional(),
        path: Pattern.optional(),
        secretGroup: z.number().int().min(0).optional(),
        entropy: z.number().min(0).optional(),
        keywords: z.array(z.string().min(1)).optional(),
        tags: z.array(z.string()).optional(),
        allowlists: z.array(RuleAllowlist).optional(),
      }),
    )
    .optional(),
})

interface ParsedConfig {
  /** Returns the configuration for gitleaks, which extends the gate's own in the file `base`. */
  readonly toml: (base: string) => string
  /** The ids of the gate's rules that it names. */
  readonly named: ReadonlySet<string>
  readonly passesPathRules: (match: LocatedMatch) => boolean
  readonly operatorRules: ReadonlySet<string>
}

/**
 * Parses an operator's configuration. It can add rules, change or disable default rules by name, and allow texts and
 * paths. It always extends the gate's own configuration. gitleaks gets neutral file names, so the path patterns are
 * taken out and applied to its matches. Throws an Error with a message for the operator.
 */
function parseOperatorConfig(text: string, paths: PathPatterns): ParsedConfig {
  const read = OperatorConfig.safeParse(parse(text))
  if (!read.success) {
    const [issue] = read.error.issues
    throw new Error(`${issue?.path.join('.') || 'the configuration'}: ${issue?.message}`)
  }
  const { extend, allowlists = [], rules = [], ...rest } = read.data
  const dropRules: ((match: LocatedMatch) => boolean)[] = []

  /** Returns the allow-list for gitleaks, without its paths. */
  const withoutPaths = <A extends z.infer<typeof RuleAllowlist>>(
    list: A,
    applies: (rule: string) => boolean,
  ): A[] => {
    const { paths: allowed, ...otherKeys } = list
    if (!allowed?.length) return [list]
    const hasTexts = Boolean(list.regexes?.length || list.stopwords?.length)
    if (hasTexts && list.condition && /^(and|&&)$/i.test(list.condition))
      throw new Error(
        'an allow-list with condition AND cannot have paths here: write paths and texts as two lists',
      )
    const patterns = allowed.map(pattern => paths.compile(pattern))
    dropRules.push(match => applies(match.rule) && patterns.some(matches => matches(pathOf(match)) === true))
    return hasTexts ? [otherKeys as A] : []
  }

  const forGitleaks = {
    ...rest,
    title: rest.title ?? 'operator',
    extend: { path: '', disabledRules: extend?.disabledRules ?? [] },
    allowlists: allowlists.flatMap(list =>
      withoutPaths(list, rule => !list.targetRules?.length || list.targetRules.includes(rule)),
    ),
    rules: rules.map(({ path, allowlists: lists = [], ...rule }) => {
      if (path !== undefined) {
        if (rule.regex === undefined)
          throw new Error(`rule ${rule.id} has a path and no regex: deny the path in a grant instead`)
        const matches = paths.compile(path)
        dropRules.push(match => match.rule === rule.id && matches(pathOf(match)) === false)
      }
      return { ...rule, allowlists: lists.flatMap(list => withoutPaths(list, id => id === rule.id)) }
    }),
  }
  return {
    toml: base => stringify({ ...forGitleaks, extend: { ...forGitleaks.extend, path: base } }),
    named: new Set([
      ...(extend?.disabledRules ?? []),
      ...allowlists.flatMap(list => list.targetRules ?? []),
      ...rules.map(({ id }) => id),
    ]),
    passesPathRules: match => !dropRules.some(drop => drop(match)),
    operatorRules: new Set(rules.filter(({ regex }) => regex !== undefined).map(({ id }) => id)),
  }
}

const pathOf = (match: LocatedMatch) => (match.item.kind === 'file' ? displayPath(match) : '')

/** The scan that a configuration is for. */
interface ConfigOptions {
  /** The path of the gitleaks binary. */
  readonly gitleaks: string
  /** A folder for the configuration's files. */
  readonly folder: string
  /** The instructions that matching paths may take. */
  readonly maxPathSteps?: number | undefined
  /** The rules of the gitleaks, where they have been read. */
  readonly rules?: WrittenRules | undefined
}

/** Returns the configuration for a scan. An empty `operator` text stands for the gate's own. */
export async function scanConfig(
  operator: string,
  { gitleaks, folder, maxPathSteps, rules }: ConfigOptions,
): Promise<ScanConfig> {
  const parsed = operator.trim() === '' ? OWN : tryParse(operator, new PathPatterns(maxPathSteps))
  const needed = rules ? new NeededRules(rules) : await neededRulesOf(gitleaks)
  let files = 0
  const write = async (toml: string) => {
    const path = join(folder, `rules-${++files}.toml`)
    await writeFile(path, toml, { mode: 0o600 })
    return path
  }
  return {
    keywords: needed?.keywords,
    rules: needed?.written,
    async fileFor(found) {
      const base = needed ? await write(needed.configFor(found, parsed.named)) : gateConfigPath
      return parsed === OWN ? base : write(parsed.toml(base))
    },
    passesPathRules: parsed.passesPathRules,
    operatorRules: parsed.operatorRules,
  }
}

/** The gate's own configuration. */
const OWN: ParsedConfig = {
  toml: () => '',
  named: new Set(),
  passesPathRules: () => true,
  operatorRules: new Set(),
}

function tryParse(operator: string, paths: PathPatterns): ParsedConfig {
  try {
    return parseOperatorConfig(operator, paths)
  } catch (error) {
    throw new GateFault(
      "the gate could not scan this push for secrets: the repository's gitleaks configuration is bad",
      { cause: error },
    )
  }
}

/**
 * Returns the error in an operator's configuration, or undefined. gitleaks is run with it over a canary, so that
 * neither an invalid pattern nor an allow-list that drops every match is accepted.
 */
export async function checkGitleaksConfig(
  text: string,
  gitleaks: string,
  scratch: string,
): Promise<string | undefined> {
  if (text.trim() === '') return undefined
  const folder = await mkdtemp(join(scratch, 'config-'))
  try {
    const path = join(folder, 'gitleaks.toml')
    const { toml } = parseOperatorConfig(text, new PathPatterns())
    await writeFile(path, toml(gateConfigPath), { mode: 0o600 })
    const writer = new ScanFileWriter(join(folder, 'texts'))
    await writer.finish()
    await runGitleaks({ gitleaks, config: path, scanFiles: writer, signal: AbortSignal.timeout(20_000) })
    return undefined
  } catch (error) {
    if (error instanceof GateFault) return `gitleaks does not take it: ${error.message.replace(/^.*?: /, '')}`
    return error instanceof Error
      ? (error.message.split('\n')[0] ?? 'it cannot be read')
      : 'it cannot be read'
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

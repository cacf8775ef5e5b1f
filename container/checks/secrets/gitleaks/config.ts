import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { z } from 'zod'
import { GateFault } from '../../check.ts'
import { displayPath, type LocatedMatch } from './locate.ts'
import { PathPatterns } from './path-patterns.ts'
import { ScanFileWriter } from './scan-files.ts'
import { gateConfigPath, runGitleaks } from './verified-run.ts'

/** The configuration of one run of gitleaks, and what of it the gate applies itself. */
export interface ScanConfig {
  readonly path: string
  /** Does a match stand, by the operator's paths? */
  readonly keeps: (found: LocatedMatch) => boolean
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

interface Prepared {
  readonly toml: string
  readonly keeps: (found: LocatedMatch) => boolean
}

/**
 * Reads an operator's configuration: it can add rules, change those of the default, turn them off by name, and allow
 * texts and paths. It always extends the gate's own. gitleaks is given texts under neutral names, so paths are taken
 * out of it here and applied to what gitleaks finds. Throws with what is wrong, in words for the operator.
 */
function prepare(text: string, paths: PathPatterns): Prepared {
  const read = OperatorConfig.safeParse(parse(text))
  if (!read.success) {
    const [issue] = read.error.issues
    throw new Error(`${issue?.path.join('.') || 'the configuration'}: ${issue?.message}`)
  }
  const { extend, allowlists = [], rules = [], ...rest } = read.data
  const drops: ((found: LocatedMatch) => boolean)[] = []

  /** What is left of an allow-list for gitleaks, once its paths are the gate's. */
  const withoutPaths = <A extends z.infer<typeof RuleAllowlist>>(
    list: A,
    applies: (rule: string) => boolean,
  ): A[] => {
    const { paths: allowed, ...others } = list
    if (!allowed?.length) return [list]
    const more = Boolean(list.regexes?.length || list.stopwords?.length)
    if (more && list.condition && /^(and|&&)$/i.test(list.condition))
      throw new Error(
        'an allow-list with condition AND cannot have paths here: write paths and texts as two lists',
      )
    const patterns = allowed.map(pattern => paths.compile(pattern))
    drops.push(found => applies(found.rule) && patterns.some(matches => matches(pathOf(found)) === true))
    return more ? [others as A] : []
  }

  const forGitleaks = {
    ...rest,
    title: rest.title ?? 'operator',
    extend: { path: gateConfigPath, disabledRules: extend?.disabledRules ?? [] },
    allowlists: allowlists.flatMap(list =>
      withoutPaths(list, rule => !list.targetRules?.length || list.targetRules.includes(rule)),
    ),
    rules: rules.map(({ path, allowlists: lists = [], ...rule }) => {
      if (path !== undefined) {
        if (rule.regex === undefined)
          throw new Error(`rule ${rule.id} has a path and no regex: deny the path in a grant instead`)
        const matches = paths.compile(path)
        drops.push(found => found.rule === rule.id && matches(pathOf(found)) === false)
      }
      return { ...rule, allowlists: lists.flatMap(list => withoutPaths(list, id => id === rule.id)) }
    }),
  }
  return { toml: stringify(forGitleaks), keeps: found => !drops.some(drop => drop(found)) }
}

const pathOf = (found: LocatedMatch) => (found.item.kind === 'file' ? displayPath(found) : '')

/** The configuration of a push's scan; `operator` empty: the gate's alone. Matching paths is bounded by `maxPathSteps`. */
export async function scanConfig(
  operator: string,
  folder: string,
  maxPathSteps?: number,
): Promise<ScanConfig> {
  if (operator.trim() === '') return { path: gateConfigPath, keeps: () => true }
  let prepared: Prepared
  try {
    prepared = prepare(operator, new PathPatterns(maxPathSteps))
  } catch (error) {
    throw new GateFault(
      "the gate could not scan this push for secrets: the repository's gitleaks configuration is bad",
      {
        cause: error,
      },
    )
  }
  const path = join(folder, 'gitleaks.toml')
  await writeFile(path, prepared.toml, { mode: 0o600 })
  return { path, keeps: prepared.keeps }
}

/**
 * What is wrong with an operator's gitleaks configuration, or undefined when it can be used: it is read, and gitleaks
 * is run with it over a canary, so that neither a bad pattern nor an allow-list that swallows everything is taken.
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
    await writeFile(path, prepare(text, new PathPatterns()).toml, { mode: 0o600 })
    const packs = new ScanFileWriter(join(folder, 'texts'))
    await packs.finish()
    await runGitleaks({ gitleaks, config: path, scanFiles: packs, signal: AbortSignal.timeout(20_000) })
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

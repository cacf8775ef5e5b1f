import { readFile } from 'node:fs/promises'
import { parse, stringify, type TomlTable } from 'smol-toml'
import { z } from 'zod'
import { defaultConfigOf } from './default-config.ts'
import { KeywordSearch } from './keyword-search.ts'
import { gateConfigPath } from './verified-run.ts'

const Rule = z.looseObject({
  id: z.string(),
  keywords: z.array(z.string()).default([]),
  tags: z.array(z.string()).default([]),
  allowlists: z.array(z.unknown()).default([]),
})
type Rule = z.infer<typeof Rule>

const DefaultConfig = z.strictObject({
  title: z.string(),
  minVersion: z.string(),
  allowlist: z.looseObject({}),
  rules: z.array(Rule),
})
/** The gate's own configuration has rules alone, so there is nothing else to merge. */
const GateConfig = z.strictObject({
  title: z.string(),
  extend: z.strictObject({ useDefault: z.literal(true), disabledRules: z.array(z.string()) }),
  rules: z.array(Rule),
})

/** A rule as the configuration has it. */
interface WrittenRule {
  readonly id: string
  /** In lower case. A rule without keywords is tried on every text. */
  readonly keywords: readonly string[]
  readonly toml: string
}

/** The rules of a gitleaks and of the gate, as plain data for another process or thread. */
export interface WrittenRules {
  /** The configuration without its rules. */
  readonly head: string
  readonly rules: readonly WrittenRule[]
}

/**
 * gitleaks' default rules and the gate's own, as one list. gitleaks compiles all rules of its configuration, which takes
 * four times as long as a small scan. It tries a rule on a text only when the text has a keyword of the rule, so a
 * configuration with just the rules of these keywords gives the same matches.
 */
export class NeededRules {
  readonly keywords: KeywordSearch
  readonly written: WrittenRules

  constructor(written: WrittenRules) {
    this.written = written
    this.keywords = new KeywordSearch(written.rules.flatMap(({ keywords }) => keywords))
  }

  /** Returns undefined where the configuration of the gitleaks is unknown. */
  static async of(gitleaks: string): Promise<NeededRules | undefined> {
    const defaults = await defaultConfigOf(gitleaks)
    if (defaults === undefined) return undefined
    const own = GateConfig.parse(parse(await readFile(gateConfigPath, 'utf8')))
    return new NeededRules(write(DefaultConfig.parse(parse(defaults)), own))
  }

  /** Returns the configuration for texts with these keywords. It has the rules of the ids in `kept` in any case. */
  configFor(found: ReadonlySet<string>, kept: ReadonlySet<string>): string {
    const needed = this.written.rules.filter(
      ({ id, keywords }) =>
        keywords.length === 0 || keywords.some(keyword => found.has(keyword)) || kept.has(id),
    )
    return [this.written.head, ...needed.map(({ toml }) => toml)].join('\n')
  }
}

function write(defaults: z.infer<typeof DefaultConfig>, own: z.infer<typeof GateConfig>): WrittenRules {
  return {
    head: stringify({ title: own.title, allowlists: [defaults.allowlist] }),
    rules: merge(defaults.rules, own).map(rule => ({
      id: rule.id,
      keywords: rule.keywords.map(keyword => keyword.toLowerCase()),
      toml: stringify({ rules: [rule] as TomlTable[] }),
    })),
  }
}

/** Merges the rules as gitleaks does for `extend`: a rule of the gate's changes the default rule of its id. */
function merge(defaults: readonly Rule[], { extend, rules }: z.infer<typeof GateConfig>): Rule[] {
  const merged = new Map(
    defaults.filter(({ id }) => !extend.disabledRules.includes(id)).map(rule => [rule.id, rule]),
  )
  for (const rule of rules) {
    const base = merged.get(rule.id)
    const joined = base && {
      keywords: [...base.keywords, ...rule.keywords],
      tags: [...base.tags, ...rule.tags],
      allowlists: [...base.allowlists, ...rule.allowlists],
    }
    merged.set(rule.id, { ...base, ...rule, ...joined })
  }
  return [...merged.values()]
}

const rulesByBinary = new Map<string, Promise<NeededRules | undefined>>()

/** Returns the rules of a gitleaks, as `NeededRules.of` does. They are read once. */
export async function neededRulesOf(gitleaks: string): Promise<NeededRules | undefined> {
  const rules = rulesByBinary.get(gitleaks) ?? NeededRules.of(gitleaks)
  rulesByBinary.set(gitleaks, rules)
  try {
    const read = await rules
    // The next scan reads the binary again: it may have been replaced.
    if (!read) rulesByBinary.delete(gitleaks)
    return read
  } catch (error) {
    rulesByBinary.delete(gitleaks)
    throw error
  }
}

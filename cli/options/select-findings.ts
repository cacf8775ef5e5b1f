import type { Command } from 'commander'
import { Fingerprint } from '../../src/contract/outcome.ts'
import { UsageError } from '../errors.ts'
import { type OutputOptions, stripControl } from '../output.ts'

/** The options that select pending findings of a repository. */
export interface Selectors extends OutputOptions {
  readonly all?: boolean
  readonly push?: string
  readonly rule?: string
  readonly path?: string
}

/** Adds the options that select several pending findings. */
export const withSelectors = (command: Command): Command =>
  command
    .option('--all', 'all findings of the repository that wait for a decision')
    .option('--push <id>', 'findings of this push')
    .option('--rule <name>', 'findings of this gitleaks rule')
    .option('--path <glob>', "findings in paths that match, such as 'test/**'")

/** Returns the selection for the API. Throws a UsageError without any, or with a wrong fingerprint. */
export function selectionOf(fingerprints: readonly string[], { all, push, rule, path }: Selectors) {
  for (const fingerprint of fingerprints) {
    const { error } = Fingerprint.safeParse(fingerprint)
    if (error) throw new UsageError(`${stripControl(fingerprint)}: ${error.issues[0]?.message}`)
  }
  const isSelected = push !== undefined || rule !== undefined || path !== undefined
  if (fingerprints.length === 0 && !isSelected && !all)
    throw new UsageError('no finding is given', 'Name fingerprints, or --push, --rule, --path or --all')
  if (all && (isSelected || fingerprints.length > 0))
    throw new UsageError('--all cannot be combined with fingerprints, --push, --rule or --path')
  return { ...(fingerprints.length > 0 ? { fingerprints } : {}), push, rule, path }
}

import { Action, AskRule } from './grant.ts'

/** The form of an ask rule as text, for messages. */
export const ASK_SYNTAX = `ref:PATTERN, path:GLOB, over:BYTES, ${Action.options.join(', ')} or findings; joined by " + " where all must hold; 2x before it for two approvals`

/** Formats an ask rule as one line, which `parseAsk` reads. */
export function formatAsk({ refs, actions, paths, overBytes, findings, approvals }: AskRule): string {
  const parts = [
    ...refs.map(ref => `ref:${ref}`),
    ...actions,
    ...paths.map(path => `path:${path}`),
    ...(overBytes === undefined ? [] : [`over:${overBytes}`]),
    ...(findings ? ['findings'] : []),
  ]
  return `${approvals > 1 ? `${approvals}x ` : ''}${parts.join(' + ')}`
}

/** Parses an ask rule such as `2x ref:main + force`. Several refs, paths or actions are alternatives. */
export function parseAsk(text: string): { ok: true; rule: AskRule } | { ok: false; problem: string } {
  const [, count, rest = text] = /^\s*(\d)x\s+(.*)$/.exec(text) ?? []
  const parts = rest.trim().split(/\s+\+\s+/)
  const valuesOf = (kind: string) =>
    parts.filter(part => part.startsWith(`${kind}:`)).map(part => part.slice(kind.length + 1))
  const actions = parts.filter(part => Action.safeParse(part).success)
  const [over] = valuesOf('over')
  const unknown = parts.find(
    part => !/^(?:(?:ref|path|over):\S.*|findings)$/.test(part) && !actions.includes(part),
  )
  if (unknown !== undefined)
    return { ok: false, problem: `${JSON.stringify(unknown)} is not part of an ask rule` }
  const read = AskRule.safeParse({
    refs: valuesOf('ref').map(ref => (ref.startsWith('refs/') ? ref : `refs/heads/${ref}`)),
    paths: valuesOf('path'),
    actions,
    findings: parts.includes('findings'),
    ...(over === undefined ? {} : { overBytes: Number(over) }),
    ...(count === undefined ? {} : { approvals: Number(count) }),
  })
  if (read.success) return { ok: true, rule: read.data }
  return { ok: false, problem: `${text}: ${read.error.issues[0]?.message}` }
}

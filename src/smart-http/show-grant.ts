import type { Context } from 'hono'
import type { GitEnv } from '../auth/agent.ts'
import type { Upstream } from '../contract/companion-api/pass.ts'
import { formatLimits, formatRules, isAllowed, suggestRef } from '../contract/grant.ts'
import { hostClientOf } from '../contract/hosts/host-client.ts'

/**
 * Serves `GET /<name>`: the agent's rules for this repository as plain text, or as JSON if the client accepts
 * it.
 */
export function showGrant(c: Context<GitEnv>): Response {
  const { repository, terms } = c.var.access
  const { agent } = c.var
  const { origin } = new URL(c.req.url)
  const clone = `${origin}/${repository.name}.git`
  const grant = { agent, terms }
  const may = formatRules(grant)
  if (c.req.header('accept')?.includes('application/json'))
    return c.json({ agent, repository: repository.name, clone, read: true, push: may, terms })
  const example =
    suggestRef('fix-login', 'heads', grant) ??
    suggestRef('v1', 'tags', grant) ??
    terms.rules.map(({ pattern }) => pattern).find(ref => isAllowed(grant, ref, 'update'))
  const lines = [
    `${agent} in ${repository.name}`,
    'read: yes',
    ...(may.length ? ['push:', ...may.map(line => `  ${line}`)] : ['push: nothing']),
    ...formatLimits(terms),
    ...(terms.hostApi === 'none' ? [] : formatHostClient(origin, repository)),
    'each push is scanned for secrets; a push that holds a secret is refused',
    ...(example ? ['', 'example:', `  git push ${clone} HEAD:${example}`] : []),
  ]
  return c.text(`${lines.join('\n')}\n`)
}

/** Formats the environment of gh or glab, a line each. */
function formatHostClient(origin: string, repository: Upstream): string[] {
  const client = hostClientOf(origin, repository)
  if (!client) return []
  const values = { ...client.variables, [client.tokenVariable]: 'TOKEN' }
  return [`${client.name}:`, ...Object.entries(values).map(([name, value]) => `  export ${name}=${value}`)]
}

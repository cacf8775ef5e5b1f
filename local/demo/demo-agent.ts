import fs from 'node:fs'
import path from 'node:path'
import type { z } from 'zod'
import type { GrantTerms } from '../../src/contract/grant.ts'
import type { Admin } from '../admin-client.ts'
import { writeSecret } from '../state-folder.ts'

export const AGENT = 'demo-agent'

const ownBranches: z.input<typeof GrantTerms>['rules'] = [
  { pattern: 'refs/heads/{agent}/**', allow: ['create', 'update', 'force', 'delete'] },
]

/** The grant in an operator's repository: the agent's own branches only. */
export const OWN_BRANCHES: z.input<typeof GrantTerms> = { rules: ownBranches }

/**
 * The grant in the demo: create and update any branch, create tags, and also rewrite and delete its own
 * branches.
 */
export const DEMO_GRANT: z.input<typeof GrantTerms> = {
  rules: [
    ...ownBranches,
    { pattern: 'refs/heads/**', allow: ['create', 'update'] },
    { pattern: 'refs/tags/**', allow: ['create'] },
  ],
  pushOptions: ['*'],
}

const tokenFile = (home: string) => path.join(home, `${AGENT}.token`)
/** A file that exists during a first start. When a signal interrupts it, the next start completes it. */
const unfinished = (home: string) => path.join(home, 'first-start')

/**
 * Begins a first start when the ledger is empty and no earlier start made the agent. Returns true for a first
 * start, the only start that creates the agent.
 */
export async function beginFirstStart(admin: Admin, home: string): Promise<boolean> {
  if (fs.existsSync(unfinished(home))) return true
  if (fs.existsSync(tokenFile(home))) return false
  if ((await admin.repositories()).length > 0 || (await admin.agents()).length > 0) return false
  fs.writeFileSync(unfinished(home), '', { mode: 0o600 })
  return true
}

export const endFirstStart = (home: string) => fs.rmSync(unfinished(home), { force: true })

/**
 * Returns the agent's token if it works in this repository. An agent, grant or token that an operator removed
 * is not created again: agent and token are created in a first start only, and a grant only with its
 * repository.
 */
export async function ensureAccess(
  admin: Admin,
  home: string,
  to: { repository: string; isNew: boolean; isFirstStart: boolean; terms: z.input<typeof GrantTerms> },
): Promise<string | undefined> {
  if (to.isFirstStart) await admin.agent(AGENT)
  else if (!(await admin.agents()).includes(AGENT)) return undefined
  if (!(await admin.hasGrant(AGENT, to.repository))) {
    if (!to.isNew && !to.isFirstStart) return undefined
    await admin.grant(AGENT, to.repository, to.terms)
  }
  const file = tokenFile(home)
  const savedToken = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : ''
  if (await admin.isTokenValid(AGENT, savedToken)) return savedToken
  if (!to.isFirstStart) return undefined
  const { token } = await admin.mint(AGENT, 'npm start')
  writeSecret(file, token)
  return token
}

import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import {
  PASS_HEADER,
  PASS_SECONDS,
  PROTOCOL,
  ROUTES,
  signPass,
} from '../../src/contract/companion-api/pass.ts'
import { CompanionStatus, type LiveSession } from '../../src/contract/companion-api/status.ts'

/** Asks a companion for its sessions, with a pass. */
export async function sessionsOf(
  url: string,
  passKey: string,
): Promise<readonly z.infer<typeof LiveSession>[]> {
  const exp = Math.floor(Date.now() / 1000) + PASS_SECONDS
  const pass = await signPass({ service: 'status', v: PROTOCOL, id: randomUUID(), exp }, passKey)
  const { method, path } = ROUTES.status
  const answer = await fetch(new URL(path, url), { method, headers: { [PASS_HEADER]: pass } })
  return CompanionStatus.parse(await answer.json()).repositories.flatMap(({ sessions }) => sessions)
}

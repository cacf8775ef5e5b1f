import { mkdir } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { ConfigCheck } from '../../src/contract/outcome.ts'
import { checkGitleaksConfig } from '../checks/index.ts'
import { bodyText, json } from '../client/respond.ts'
import type { Companion } from '../companion.ts'

/** Validates a gitleaks configuration by running gitleaks with it. The configuration is not stored. */
export async function checkConfig(
  { settings }: Companion,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = await bodyText(request, 64_000)
  if (text === undefined) return json(response, 413, { error: 'that is too long for a configuration' })
  const scratch = join(settings.home, 'scratch')
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  const problem = await checkGitleaksConfig(text, settings.gitleaks, scratch)
  json(response, 200, { problem: problem ?? null } satisfies ConfigCheck)
}

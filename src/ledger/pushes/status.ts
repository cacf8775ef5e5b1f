import { z } from 'zod'

const Counts = z.object({
  repositories: z.number(),
  agents: z.number(),
  tokens: z.number(),
  openPushes: z.number(),
})

/** Counts repositories, agents, valid tokens and open pushes. */
export async function countAll(ledger: D1Database): Promise<z.infer<typeof Counts>> {
  const row = await ledger
    .prepare(
      `SELECT (SELECT count(*) FROM repositories) AS repositories,
              (SELECT count(*) FROM agents) AS agents,
              (SELECT count(*) FROM tokens
                 WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)) AS tokens,
              (SELECT count(*) FROM pushes WHERE outcome = 'open') AS openPushes`,
    )
    .bind(Date.now())
    .first()
  return Counts.parse(row)
}

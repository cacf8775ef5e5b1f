/**
 * Records that an agent asks for an exception for a finding of its newest refused push that has it, with a reason. The
 * webhooks for exceptions and the chat services are told. Returns false if the agent has no such push.
 */
export async function requestException(
  ledger: D1Database,
  wanted: { agent: string; repository: string; fingerprint: string; reason: string },
): Promise<boolean> {
  const { agent, repository, fingerprint, reason } = wanted
  const newest = `SELECT id FROM pushes
     WHERE agent = ?1 AND repository = ?2 AND outcome = 'refused' AND EXISTS (
       SELECT 1 FROM json_each(findings) WHERE value ->> 'fingerprint' = ?3)
     ORDER BY id DESC LIMIT 1`
  const [updated] = await ledger.batch([
    ledger
      .prepare(
        `UPDATE pushes SET findings = (
           SELECT json_group_array(iif(value ->> 'fingerprint' = ?3,
             json_set(value, '$.asksForException', json('true'), '$.request', ?4), json(value)))
             FROM json_each(findings))
          WHERE id = (${newest})`,
      )
      .bind(agent, repository, fingerprint, reason),
    ledger
      .prepare(
        `INSERT INTO deliveries (webhook, push, due_at)
           SELECT w.id, p.id, 0 FROM webhooks w, (${newest}) p WHERE w.events = 'exceptions'
              OR w.events = 'pushes' AND w.format <> 'json'`,
      )
      .bind(agent, repository, fingerprint),
  ])
  return (updated?.meta.changes ?? 0) > 0
}

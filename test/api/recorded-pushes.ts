import type { AdminGate } from './admin-gate.ts'

/** Puts an open push on record. */
export const insertPush = (gate: AdminGate, id: string, at = Date.now()) =>
  gate.ledger
    .prepare(
      "INSERT INTO pushes (id, repository, agent, token, started_at) VALUES (?, 'demo', 'ada', 'aaaaaaaaaa', ?)",
    )
    .bind(id, at)
    .run()
export const FINDING = {
  rule: 'generic-api-key',
  path: 'a',
  line: 1,
  commit: 'c',
  fingerprint: 'c:a:generic-api-key:1',
}
/** Gives a push on record its outcome. */
export const setOutcome = (gate: AdminGate, id: string, outcome: string, findings: object[] = []) =>
  gate.ledger
    .prepare('UPDATE pushes SET outcome = ?, findings = ?, ms = 1500, steps = ? WHERE id = ?')
    .bind(outcome, JSON.stringify(findings), JSON.stringify([{ step: 'secrets', ms: 500 }]), id)
    .run()

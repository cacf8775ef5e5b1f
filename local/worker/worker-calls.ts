import { randomUUID } from 'node:crypto'
import type { Miniflare } from 'miniflare'
import { z } from 'zod'
import type { Database, Row, Statement } from './migrations.ts'

/** Calls into a Worker that runs in a Miniflare of this process. */
export interface WorkerCalls {
  /** The Worker's main module: index.js, and the request that makes a call. */
  readonly main: string
  /** Calls the scheduled handler, as a cron trigger does. Rejects when the handler fails. */
  schedule(miniflare: Miniflare, cron: string): Promise<void>
  /** Returns the D1 database of a binding. */
  database(miniflare: Miniflare, binding: string): Database
}

const Rows = z.array(z.array(z.record(z.string(), z.unknown())))

/**
 * Miniflare's own calls, by `getWorker` and `getD1Database`, load a second Miniflare in a thread: 0.2 s of processor time
 * and 10 MB in each process that runs a gate.
 */
export function workerCalls(): WorkerCalls {
  // Clients of the gate reach the same module, so its time must not depend on a guess.
  const secret = randomUUID()
  const call = async (miniflare: Miniflare, body: object): Promise<unknown> => {
    const response = await miniflare.dispatchFetch('http://local.invalid/', {
      method: 'POST',
      headers: { authorization: `Local ${secret}` },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }
  return {
    main: `import gate from './index.js'
export * from './index.js'
const batch = async (database, statements) => {
  const prepared = statements.map(({ sql, values }) => database.prepare(sql).bind(...(values ?? [])))
  return (await database.batch(prepared)).map(({ results }) => results)
}
const bytes = text => new TextEncoder().encode(text)
const own = bytes('Local ${secret}')
const isOwn = request => {
  const given = bytes(request.headers.get('authorization') ?? '')
  return given.length === own.length && crypto.subtle.timingSafeEqual(given, own)
}
export default {
  ...gate,
  async fetch(request, env, context) {
    if (!isOwn(request)) return gate.fetch(request, env, context)
    const { cron, binding, statements } = await request.json()
    if (binding) return Response.json(await batch(env[binding], statements))
    await gate.scheduled({ cron, scheduledTime: Date.now() }, env, context)
    return Response.json([])
  },
}`,
    async schedule(miniflare, cron) {
      await call(miniflare, { cron })
    },
    database: (miniflare, binding) => ({
      batch: async (statements: readonly Statement[]): Promise<readonly (readonly Row[])[]> =>
        Rows.parse(await call(miniflare, { binding, statements })),
    }),
  }
}

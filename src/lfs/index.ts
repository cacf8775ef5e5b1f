import type { Context } from 'hono'
import type { GitEnv } from '../auth/agent.ts'
import { batch } from './batch.ts'
import { locks } from './locks.ts'
import { download, upload, verify } from './objects.ts'
import { lfsError } from './respond.ts'

export { asLfsErrors } from './respond.ts'

/** Serves the Git LFS API below `/<name>.git/info/lfs`. */
export async function lfs(c: Context<GitEnv>): Promise<Response> {
  const { method } = c.req.raw
  const path = new URL(c.req.url).pathname.replace(/^.*?\/info\/lfs/, '')
  if (path === '/objects/batch' && method === 'POST') return batch(c)
  if (/^\/objects\/[0-9a-f]+$/.test(path) && method === 'GET') return download(c)
  if (/^\/objects\/[0-9a-f]+$/.test(path) && method === 'PUT') return upload(c)
  if (/^\/objects\/[0-9a-f]+\/verify$/.test(path) && method === 'POST') return verify(c)
  if (path === '/locks' || path.startsWith('/locks/')) return locks(c)
  return lfsError(404, 'the LFS API has no such path')
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { lfsBatch } from './batch.ts'
import { lfsDownload } from './download.ts'
import type { Lfs } from './lfs.ts'
import { lfsLocks } from './locks.ts'
import { lfsUpload, lfsVerify } from './upload.ts'

export { createLfs, type Lfs } from './lfs.ts'
export { openStore } from './store.ts'

type LfsPass = PassFor<'lfs-batch' | 'lfs-download' | 'lfs-upload' | 'lfs-verify' | 'lfs-locks'>

/** Serves the LFS requests of the Worker. */
export async function serveLfs(
  lfs: Lfs,
  pass: LfsPass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (pass.service) {
    case 'lfs-batch':
      return lfsBatch(lfs, pass, request, response)
    case 'lfs-download':
      return lfsDownload(lfs, pass, request, response)
    case 'lfs-upload':
      return lfsUpload(lfs, pass, request, response)
    case 'lfs-verify':
      return lfsVerify(lfs, pass, request, response)
    case 'lfs-locks':
      return lfsLocks(lfs, pass, request, response)
  }
}

import fs from 'node:fs'
import path from 'node:path'
import { seconds } from '../harness/index.ts'
import type { DockerEngine } from './docker-engine.ts'

const SIDECAR = 'git-gate-network-sidecar'

/** Debian's Docker knows neither of these options; images that nobody has pulled are not pulled either. */
const command = `#!/bin/sh
[ "$1" = pull ] && exit 0
for word; do
  shift
  case $word in --load | --provenance=false) ;; *) set -- "$@" "$word" ;; esac
done
exec docker "$@"
`

/**
 * The environment in which `wrangler dev` runs containers with this engine and no image registry: a docker command
 * that works with an old engine, and the stand-in for the image that wrangler would pull.
 */
export async function wranglerDocker(
  { docker, env }: DockerEngine,
  folder: string,
): Promise<Record<string, string>> {
  const program = path.join(folder, 'docker')
  fs.writeFileSync(program, command, { mode: 0o755 })
  const context = path.join(folder, 'sidecar')
  fs.mkdirSync(context)
  fs.copyFileSync(path.join(import.meta.dirname, 'network-sidecar.ts'), path.join(context, 'sidecar.ts'))
  fs.writeFileSync(
    path.join(context, 'Dockerfile'),
    'FROM git-gate-companion\nCOPY sidecar.ts /\nHEALTHCHECK NONE\nENTRYPOINT ["node", "/sidecar.ts"]\n',
  )
  await docker(['build', '--quiet', `--tag=${SIDECAR}`, context], seconds(120))
  return {
    ...env,
    WRANGLER_DOCKER_BIN: program,
    MINIFLARE_CONTAINER_EGRESS_IMAGE: SIDECAR,
    WRANGLER_LOG: 'warn',
    WRANGLER_CI_OVERRIDE_NETWORK_MODE_HOST: '1',
  }
}

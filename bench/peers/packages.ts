import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { onPath } from './on-path.ts'

const PACKAGES: Readonly<Record<string, string>> = {
  nginx: 'nginx-light',
  fcgiwrap: 'fcgiwrap',
  strace: 'strace',
}

/**
 * Installs the peers that Debian packages, if the bench runs as root. Returns the peers that are still
 * missing.
 */
export function installPeers(): readonly string[] {
  const missing = () => Object.keys(PACKAGES).filter(name => !onPath(name))
  if (missing().length && process.getuid?.() === 0 && onPath('apt-get')) {
    const policy = '/usr/sbin/policy-rc.d'
    const ours = !fs.existsSync(policy)
    // Debian starts a service during its installation, unless policy-rc.d exits with 101 (invoke-rc.d(8)).
    if (ours) fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    try {
      const apt = (...args: string[]) =>
        spawnSync('apt-get', ['-qq', ...args], {
          stdio: ['ignore', 2, 2],
          env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
        }).status === 0
      const install = () =>
        apt('install', '-y', '--no-install-recommends', ...missing().map(name => PACKAGES[name] ?? name))
      if (!install()) {
        apt('update')
        install()
      }
    } finally {
      if (ours) fs.rmSync(policy, { force: true })
    }
  }
  return missing()
}

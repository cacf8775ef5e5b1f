import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const built = fileURLToPath(new URL('../../.cache/gitleaks/gitleaks', import.meta.url))

/** The gitleaks under test: what the set-up has built, or the one on PATH. */
export const gitleaks =
  process.env.GATE_GITLEAKS ??
  (existsSync(built)
    ? built
    : ((process.env.PATH ?? '')
        .split(delimiter)
        .map(folder => join(folder, 'gitleaks'))
        .find(path => existsSync(path)) ?? 'gitleaks'))

import { readSettings, type Settings } from '../../src/common/settings.ts'
import { restrictFolder } from '../restrict-folder.ts'
import { gateSettings, readLocalSettings } from '../settings.ts'
import { unknownSetting } from '../unknown-setting.ts'

/** The settings of a script that serves the Worker without a companion of its own. */
export interface ServeSettings {
  readonly port: number
  /** GATE_HOST. */
  readonly host: string
  /** The state folder, which only this user may enter. */
  readonly home: string
  /** The Worker's settings, as text and parsed. */
  readonly bindings: Record<string, string>
  readonly worker: Settings
}

/**
 * Parses this process's settings and restricts its state folder. Ends the process with one line when a setting is
 * invalid or the folder cannot be used.
 */
export function readServeSettings(log: (line: string) => void): ServeSettings {
  const local = readLocalSettings(process.env)
  if (!local.ok) return refuse(local.problem)
  const { GATE_HOST: host = '127.0.0.1', ...bindings } = gateSettings(process.env)
  const unknown = unknownSetting(bindings)
  if (unknown) return refuse(unknown)
  const worker = readSettings(bindings)
  if (!worker.ok) return refuse(worker.problem)
  const { port, home } = local.settings
  try {
    restrictFolder(home, log)
  } catch (error) {
    refuse(`GATE_HOME ${home} cannot be used: ${error instanceof Error ? error.message : error}`, 1)
  }
  return { port, host, home, bindings, worker: worker.settings }
}

/** Ends the process with one line. The exit code 2 stands for an invalid setting. */
export function refuse(problem: string, exitCode = 2): never {
  console.error(`gate: ${problem}`)
  process.exit(exitCode)
}

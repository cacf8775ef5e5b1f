import { access, constants, mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../settings.ts'
import { gitEnvironment } from './git.ts'

const room = (name: string) => join(import.meta.dirname, '..', name, 'hooks')

export const RECEIVE_HOOKS = room('push')
export const FORWARD_HOOKS = room('forward')

/** Makes git's only configuration for all mirrors, and answers with the environment that points to it. */
export async function configureGit(settings: Settings): Promise<Record<string, string>> {
  // Git passes over a hook that it may not run, and a push would go through unchecked.
  for (const hook of [join(RECEIVE_HOOKS, 'pre-receive'), join(FORWARD_HOOKS, 'pre-push')])
    await access(hook, constants.X_OK)
  const home = join(settings.home, 'git')
  const file = join(home, 'gitconfig')
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(file, gitConfig(settings))
  return gitEnvironment(home, file)
}

/** How often git tells that it is at work, in seconds: proxies give up a silent answer after 5 s. */
const KEEPALIVE_SECONDS = 2

/**
 * Each thread holds the objects that it makes into deltas, or out of them, and has its own stack: all of them are within
 * one process's memory.
 */
const PACK_THREADS = 4

/**
 * git-config(1). Deny* settings act after pre-receive, when upstream already has the push: they are off. A quarantine's
 * alternate is its own mirror, whose refs git lists anyway: it need not list them a second time as an alternate's, and
 * true(1) tells of none.
 */
function gitConfig(settings: Settings): string {
  // Several of git's words fit into the silence that is taken for a client that has gone.
  const keepAlive = Math.min(KEEPALIVE_SECONDS, Math.max(1, Math.floor(settings.clientIdleMs / 3_000)))
  return `[core]
	hooksPath = "${RECEIVE_HOOKS}"
	useReplaceRefs = false
	logAllRefUpdates = false
	alternateRefsCommand = true
[http]
	receivepack = true
	getanyfile = false
	uploadarchive = false
[receive]
	fsckObjects = true
	maxInputSize = ${settings.maxPushBytes}
	unpackLimit = 1
	autogc = false
	advertisePushOptions = true
	denyDeleteCurrent = ignore
	denyCurrentBranch = ignore
	keepAlive = ${keepAlive}
[pack]
	threads = ${Math.min(availableParallelism(), PACK_THREADS)}
	windowMemory = ${Math.floor(settings.gitMemoryBytes / 4 / PACK_THREADS)}
[fetch]
	unpackLimit = 1
[gc]
	auto = 0
[maintenance]
	auto = false
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
	allowSidebandAll = true
	keepAlive = ${keepAlive}
[uploadpackfilter]
	allow = false
[uploadpackfilter "blob:none"]
	allow = true
[uploadpackfilter "blob:limit"]
	allow = true
[uploadpackfilter "tree"]
	allow = true
[push]
	default = nothing
	followTags = false
[init]
	defaultBranch = main
[user]
	useConfigOnly = true
`
}

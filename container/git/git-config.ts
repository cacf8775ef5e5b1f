import { access, constants, mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../settings.ts'
import { gitEnvironment } from './git.ts'

const room = (name: string) => join(import.meta.dirname, '..', name, 'hooks')

const RECEIVE_HOOKS = room('push')
export const FORWARD_HOOKS = room('forward')
const CREDENTIAL_HELPER = join(import.meta.dirname, '../upstream/https/credential-helper.sh')

/**
 * Writes git's only configuration for all mirrors. Returns the environment that points to it. Rejects when a
 * hook is not executable.
 */
export async function configureGit(settings: Settings): Promise<Record<string, string>> {
  // Git skips a hook that is not executable, and would accept pushes unchecked.
  for (const hook of [join(RECEIVE_HOOKS, 'pre-receive'), join(FORWARD_HOOKS, 'pre-push'), CREDENTIAL_HELPER])
    await access(hook, constants.X_OK)
  const home = join(settings.home, 'git')
  const file = join(home, 'gitconfig')
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(file, gitConfig(settings))
  return gitEnvironment(home, file)
}

/** Git's keepalive interval in seconds. Proxies close a silent response after 5 s. */
const KEEPALIVE_SECONDS = 2

/** An upstream over HTTPS that sends less than a byte a second counts as lost after this many seconds. */
const SILENT_SECONDS = 60

/**
 * Each pack thread has its own stack and holds the objects that it compresses. All threads share the memory
 * limit of their process.
 */
const PACK_THREADS = 4

/**
 * Returns the configuration (git-config(1)). Old histories have the faults of receive.fsck.*; git reads past
 * them, and hosts take them. Every other fault of git-fsck(1) that is an error stays one.
 * The Deny* settings are off: they act after pre-receive, when
 * upstream already has the push.
 *
 * A quarantine's alternate is its own mirror, and git lists the mirror's refs anyway. alternateRefsCommand is
 * true(1), which lists none, so git does not list them twice.
 *
 * Over HTTPS git asks the helper for the credential of an upstream, and sends it to no other address: it
 * follows no redirect. `http` is for upstreams on this machine (contract/upstream.ts).
 */
function gitConfig(settings: Settings): string {
  // At least three keepalives fit into the client's idle timeout.
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
	followRedirects = false
	lowSpeedLimit = 1
	lowSpeedTime = ${SILENT_SECONDS}
	keepAliveIdle = 5
	keepAliveInterval = 5
	keepAliveCount = 3
[credential]
	helper = "!'${CREDENTIAL_HELPER}'"
	useHttpPath = true
[protocol]
	allow = never
[protocol "ssh"]
	allow = always
[protocol "https"]
	allow = always
[protocol "http"]
	allow = always
[receive]
	fsckObjects = true
	maxInputSize = ${settings.maxPushBytes}
	unpackLimit = 1
	autogc = false
	advertisePushOptions = true
	hideRefs = refs
	hideRefs = !refs/heads
	hideRefs = !refs/tags
	hideRefs = !refs/notes
	hideRefs = !refs/for
	denyDeleteCurrent = ignore
	denyCurrentBranch = ignore
	keepAlive = ${keepAlive}
[receive "fsck"]
	badTimezone = ignore
	missingSpaceBeforeDate = ignore
	zeroPaddedFilemode = ignore
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

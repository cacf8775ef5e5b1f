import { createHash, createPrivateKey } from 'node:crypto'
import { SignJWT } from 'jose/jwt/sign'
import { z } from 'zod'
import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import type { GitHubApp } from '../../../src/contract/credential.ts'
import { printable } from '../../git/command-list.ts'
import { withAbort } from '../../process/with-abort.ts'
import { UpstreamError } from '../upstream-error.ts'
import { requestHost } from './host-request.ts'

/** Permissions of an installation's token, by GitHub's names (REST API, "Create an installation access token"). */
export type AppPermissions = Readonly<Record<string, 'read' | 'write'>>

/** The permissions of a push. GitHub adds `metadata: read`. */
export const CONTENTS: AppPermissions = { contents: 'write' }

/** GitHub takes a JWT of 10 minutes at most. Its clock may be behind the gate's. */
const JWT_SECONDS = 9 * 60
const CLOCK_SKEW_SECONDS = 60

/** A token is replaced this long before it ends, so that no git or request outlives it, in milliseconds. */
const RENEW_BEFORE_MS = 10 * 60_000
/** A host whose tokens are shorter-lived: a token serves for this part of its life. */
const SHARE_OF_LIFE = 0.5

/** The tokens of GitHub Apps, in memory only. */
export interface AppTokens {
  /** Returns a token with these permissions for the upstream's repository. Rejects with UpstreamError. */
  token(
    upstream: Upstream,
    app: GitHubApp,
    privateKey: string,
    permissions: AppPermissions,
    signal: AbortSignal,
  ): Promise<string>
  /** Drops a token that the host has refused. */
  invalidate(token: string): void
}

interface CachedToken {
  readonly token: string
  /** Unix milliseconds. */
  readonly renewAt: number
}

export function createAppTokens(): AppTokens {
  const tokens = new Map<string, CachedToken>()
  const minting = new Map<string, Promise<CachedToken>>()
  return {
    async token(upstream, app, privateKey, permissions, signal) {
      const key = createHash('sha256')
        .update(JSON.stringify([app, privateKey, upstream.url, Object.entries(permissions).sort()]))
        .digest('base64')
      for (const [old, { renewAt }] of tokens) if (renewAt <= Date.now()) tokens.delete(old)
      const existing = tokens.get(key)
      if (existing) return existing.token
      // Callers at the same time share one request, which outlives the caller that began it.
      const fresh =
        minting.get(key) ?? mint(upstream, app, privateKey, permissions).finally(() => minting.delete(key))
      minting.set(key, fresh)
      const cached = await withAbort(fresh, signal)
      tokens.set(key, cached)
      return cached.token
    },
    invalidate(token) {
      for (const [key, cached] of tokens) if (cached.token === token) tokens.delete(key)
    },
  }
}

const Minted = z.object({ token: z.string().regex(/^[\x21-\x7e]+$/), expires_at: z.string() })
const Failed = z.object({ message: z.string() })

async function mint(
  upstream: Upstream,
  app: GitHubApp,
  privateKey: string,
  permissions: AppPermissions,
): Promise<CachedToken> {
  const startedAt = Date.now()
  const repository = upstream.url
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split(/[/:]/)
    .at(-1)
  const { status, text } = await requestHost(
    upstream,
    {
      method: 'POST',
      url: `${app.apiUrl}/app/installations/${app.installation}/access_tokens`,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${await appJwt(app, privateKey, startedAt)}`,
        'content-type': 'application/json',
        'x-github-api-version': '2022-11-28',
      },
      body: JSON.stringify({ repositories: [repository], permissions }),
    },
    new AbortController().signal,
  )
  const minted = status === 201 ? Minted.safeParse(parseJson(text)) : undefined
  const ends = minted?.success ? Date.parse(minted.data.expires_at) : Number.NaN
  if (!minted?.success || Number.isNaN(ends)) throw refusal(upstream, app, status, text)
  const life = ends - startedAt
  return {
    token: minted.data.token,
    renewAt: startedAt + Math.max(life - RENEW_BEFORE_MS, life * SHARE_OF_LIFE),
  }
}

async function appJwt({ id }: GitHubApp, privateKey: string, nowMs: number): Promise<string> {
  const seconds = Math.floor(nowMs / 1000)
  try {
    // GitHub's keys are in PKCS#1, which node:crypto reads and jose does not.
    return await new SignJWT()
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(id)
      .setIssuedAt(seconds - CLOCK_SKEW_SECONDS)
      .setExpirationTime(seconds + JWT_SECONDS)
      .sign(createPrivateKey(privateKey))
  } catch {
    // The error could quote the key.
    throw new UpstreamError(`the key of GitHub App ${id} cannot be read`, {
      fix: 'set it again: git gate credential set',
    })
  }
}

function refusal(upstream: Upstream, app: GitHubApp, status: number, text: string): UpstreamError {
  const { host } = new URL(app.apiUrl)
  const failure = Failed.safeParse(parseJson(text))
  const words = failure.success ? `: ${printable(failure.data.message).slice(0, 200)}` : ''
  const problem = `${host} gives GitHub App ${app.id} no token (status ${status}${words})`
  const fix = {
    401: `check the app's id and its key`,
    404: `check the installation's id`,
    422: `give the installation ${upstream.name}'s repository, and the app its permissions`,
  }[status]
  return new UpstreamError(problem, fix === undefined ? { advice: 'try again later' } : { fix })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

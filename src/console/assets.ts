import type { Context } from 'hono'
import type { ConsoleEnv } from './auth/env.ts'
import consoleJs from './browser/console.js' with { type: 'text' }
import copyJs from './browser/copy.js' with { type: 'text' }
import eventStreamJs from './browser/event-stream.js' with { type: 'text' }
import fragmentJs from './browser/fragment.js' with { type: 'text' }
import historyJs from './browser/history.js' with { type: 'text' }
import icon from './browser/icon.svg' with { type: 'text' }
import liveJs from './browser/live.js' with { type: 'text' }
import proofJs from './browser/proof.js' with { type: 'text' }
import selectJs from './browser/select.js' with { type: 'text' }
import shellJs from './browser/shell.js' with { type: 'text' }
import shortcutsJs from './browser/shortcuts.js' with { type: 'text' }
import style from './browser/style.css' with { type: 'text' }
import timesJs from './browser/times.js' with { type: 'text' }

const SCRIPT = 'text/javascript; charset=utf-8'

/** The files of browser/ that pages load. */
const ASSETS: Readonly<Record<string, { type: string; text: string }>> = {
  'style.css': { type: 'text/css; charset=utf-8', text: style },
  'icon.svg': { type: 'image/svg+xml', text: icon },
  'console.js': { type: SCRIPT, text: consoleJs },
  'copy.js': { type: SCRIPT, text: copyJs },
  'event-stream.js': { type: SCRIPT, text: eventStreamJs },
  'proof.js': { type: SCRIPT, text: proofJs },
  'select.js': { type: SCRIPT, text: selectJs },
  'shell.js': { type: SCRIPT, text: shellJs },
  'fragment.js': { type: SCRIPT, text: fragmentJs },
  'history.js': { type: SCRIPT, text: historyJs },
  'live.js': { type: SCRIPT, text: liveJs },
  'shortcuts.js': { type: SCRIPT, text: shortcutsJs },
  'times.js': { type: SCRIPT, text: timesJs },
}

/** `GET /assets/<name>`. Browsers revalidate by ETag, so that a new version takes effect at once. */
export async function asset(c: Context<ConsoleEnv>): Promise<Response> {
  const name = c.req.param('name') ?? ''
  const file = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined
  if (!file) return c.text('there is no such file', 404)
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(file.text))
  const etag = `"${new Uint8Array(digest).toHex().slice(0, 32)}"`
  const headers = { etag, 'cache-control': 'private, no-cache', 'content-type': file.type }
  if (c.req.header('if-none-match') === etag) return new Response(null, { status: 304, headers })
  return new Response(file.text, { headers })
}

import type { Git } from '../git/git.ts'
import type { Mirror } from '../mirror/mirror.ts'

/**
 * Returns a function that asks a mirror's git for its capabilities once. They depend on the object format, which a mirror
 * has for its whole life; another mirror may take its place.
 */
export function capabilityCache(list: (git: Git) => Promise<string>): (mirror: Mirror) => Promise<string> {
  const cached = new WeakMap<Mirror, { format: Mirror['objectFormat']; text: Promise<string> }>()
  return mirror => {
    const entry = cached.get(mirror)
    if (entry && entry.format === mirror.objectFormat) return entry.text
    const text = list(mirror.git)
    cached.set(mirror, { format: mirror.objectFormat, text })
    text.catch(() => cached.delete(mirror))
    return text
  }
}

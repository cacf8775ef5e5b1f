import { mustGit } from '../../bench-fixture.ts'
import type { Row } from '../../row.ts'

const WINDOW_SECONDS = 600

/** The number of upstream sessions while many agents clone a repository concurrently. */
export const refreshes: Row = {
  name: 'refreshes',
  async run(stage, { quick }) {
    const count = quick ? 20 : 100
    const place = await stage.place('popular', { commits: 100 })
    const gate = await stage.anotherGate({ GATE_FETCH_FRESH_SECONDS: String(WINDOW_SECONDS) }, [place.name])
    const remotes = await Promise.all(
      Array.from({ length: count }, (_, i) => gate.agent(`reader-${i}`, place.name, ['refs/heads/**'])),
    )
    const seen = () => stage.upstreamSessions(place)
    const clones = () =>
      Promise.all(
        remotes.map(({ url, env }) =>
          mustGit(['clone', '-q', '--no-checkout', url, stage.fresh('reader')], { env }),
        ),
      )
    // The first request creates the mirror.
    const { url, env } = remotes[0] ?? place.gate
    await mustGit(['ls-remote', '-q', url], { env })
    const first = seen().length
    if (first === 0) throw new Error('the upstream was asked for a mirror, and its sessions are not seen')
    await clones()
    const more = seen().length - first
    return [
      {
        work: `${count} agents cloning one repository at once`,
        against: 'refreshes seen by upstream, per freshness window',
        gate: `${1 + more} (the window is ${WINDOW_SECONDS} s, the first request of it asked)`,
        peer: `${count} by ssh direct`,
        reached: more === 0,
        note: `counted are the git-upload-pack sessions at the upstream; making the mirror took ${first}`,
      },
    ]
  },
}

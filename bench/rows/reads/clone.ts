import fs from 'node:fs'
import path from 'node:path'
import { mustGit, type Remote } from '../../bench-fixture.ts'
import { compare, timed } from '../../measure.ts'
import { startGitDaemon, startNginx } from '../../peers/servers.ts'
import { binary } from '../../repositories.ts'
import { compared, type Result, type Row } from '../../row.ts'

/** A first clone of a large repository, bare, because a checkout costs the same for every contender. */
export const clone: Row = {
  name: 'clone',
  async run(stage, { rounds, quick }) {
    const megabytes = quick ? 30 : 300
    const place = await stage.place('large', {
      files: megabytes,
      fileBytes: 1_000_000,
      content: binary,
      commits: 3,
    })
    const folder = path.dirname(place.dir)
    await using nginx = await startNginx(folder, stage.fresh('nginx'))
    await using daemon = await startGitDaemon(folder)
    const by = (name: string, { url, env = {} }: { url: string; env?: Remote['env'] }) => ({
      name,
      async run() {
        const into = stage.fresh('clone')
        const ms = await timed(() => mustGit(['clone', '-q', '--no-checkout', url, into], { env }))
        fs.rmSync(into, { recursive: true })
        return ms
      },
    })
    const times = await compare(
      [
        by('gate', place.gate),
        by('ssh', place.ssh),
        ...(nginx ? [by('nginx', { url: nginx.urlOf(place.name) })] : []),
        by('daemon', { url: daemon.urlOf(place.name) }),
      ],
      Math.min(rounds, 6),
    )
    const gate = times.get('gate') ?? []
    const work = `clone ${megabytes} MB`
    const results: Result[] = []
    const against = (name: string, peer: string, target?: number) => {
      const theirs = times.get(name)
      if (theirs) results.push(compared({ work, against: peer, ...(target ? { target } : {}) }, gate, theirs))
    }
    against('nginx', 'nginx + fcgiwrap', 1.05)
    against('ssh', 'ssh direct', 1.0)
    against('daemon', 'git daemon')
    return results
  },
}

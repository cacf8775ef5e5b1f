import path from 'node:path'
import { mustGit, type Remote } from '../../bench-fixture.ts'
import { compare, timed } from '../../measure.ts'
import { startGitDaemon, startNginx } from '../../peers/servers.ts'
import { compared, type Result, type Row } from '../../row.ts'

/** `git ls-remote`, which only reads the ref advertisement. */
export const lsRemote: Row = {
  name: 'ls-remote',
  async run(stage, { rounds }) {
    const place = await stage.place('listed', { commits: 100, branches: 20 })
    const fresh = await stage.anotherGate({ GATE_FETCH_FRESH_SECONDS: '600' }, [place.name])
    const folder = path.dirname(place.dir)
    await using nginx = await startNginx(folder, stage.fresh('nginx'))
    await using daemon = await startGitDaemon(folder)
    const by = (name: string, { url, env = {} }: { url: string; env?: Remote['env'] }) => ({
      name,
      run: () => timed(() => mustGit(['ls-remote', '-q', url], { env })),
    })
    const times = await compare(
      [
        by('fresh', await fresh.agent('ada', place.name, ['refs/heads/**'])),
        by('asking', place.gate),
        ...(nginx ? [by('nginx', { url: nginx.urlOf(place.name) })] : []),
        by('ssh', place.ssh),
        by('daemon', { url: daemon.urlOf(place.name) }),
      ],
      rounds,
    )
    const [inWindow = [], asking = []] = [times.get('fresh'), times.get('asking')]
    const [nginxMs, ssh = [], daemonMs = []] = [times.get('nginx'), times.get('ssh'), times.get('daemon')]
    const work = 'ls-remote, fresh mirror'
    const anew = 'ls-remote, upstream asked each time'
    const results: Result[] = []
    if (nginxMs) results.push(compared({ work, against: 'nginx + fcgiwrap', target: 1.5 }, inWindow, nginxMs))
    results.push(compared({ work, against: 'git daemon' }, inWindow, daemonMs))
    results.push(compared({ work: anew, against: 'ssh direct' }, asking, ssh))
    if (nginxMs)
      results.push(
        compared({ work: anew, against: 'nginx + fcgiwrap, without an upstream' }, asking, nginxMs),
      )
    return results
  },
}

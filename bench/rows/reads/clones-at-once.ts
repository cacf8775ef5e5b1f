import fs from 'node:fs'
import path from 'node:path'
import { mustGit, type Remote } from '../../bench-fixture.ts'
import { compare, timed } from '../../measure.ts'
import { startNginx } from '../../peers/servers.ts'
import { treeTime, wholeGateTime } from '../../push-cost/processor-time.ts'
import { binary } from '../../repositories.ts'
import { compared, type Row } from '../../row.ts'

/** Many agents that clone the same repository at once, bare. */
export const clonesAtOnce: Row = {
  name: 'clones-at-once',
  async run(stage, { rounds, quick }) {
    const [count, megabytes] = quick ? [8, 5] : [32, 50]
    const shape = { files: megabytes, fileBytes: 1_000_000, content: binary, commits: 3 }
    const place = await stage.place('shared-large', shape)
    await using nginx = await startNginx(path.dirname(place.dir), stage.fresh('nginx'))
    if (!nginx) return []
    const served = { gate: [] as number[], nginx: [] as number[] }
    const by = (name: keyof typeof served, url: string, env: Remote['env'], serverTime: () => number) => ({
      name,
      async run(round: number) {
        const folders = Array.from({ length: count }, () => stage.fresh('clone'))
        const before = serverTime()
        const ms = await timed(() =>
          Promise.all(folders.map(into => mustGit(['clone', '-q', '--bare', url, into], { env }))),
        )
        if (round > 0) served[name].push((serverTime() - before) * 1000)
        for (const folder of folders) fs.rmSync(folder, { recursive: true })
        return ms
      },
    })
    const contenders = [
      by('gate', place.gate.url, place.gate.env, () => wholeGateTime(stage.gate)),
      by('nginx', nginx.urlOf(place.name), {}, () => treeTime(nginx.processes)),
    ]
    const times = await compare(contenders, Math.min(rounds, 4))
    const work = `${count} clones of a ${megabytes} MB repository at once`
    const line = { work, against: 'nginx + fcgiwrap', target: 0.5 }
    return [
      compared(line, times.get('gate') ?? [], times.get('nginx') ?? []),
      compared({ ...line, work: `${work}, processor time of the server` }, served.gate, served.nginx),
    ]
  },
}

import { type Gate, mustGit, type Place, type Remote, type Stage } from '../bench-fixture.ts'
import { onPath } from '../peers/on-path.ts'
import { type EdgeRequest, LOGS_REQUESTS, readEdgeRequest } from '../push-cost/edge-requests.ts'
import { between, gateTime } from '../push-cost/processor-time.ts'
import { countNames, type Watched, watchPrograms } from '../push-cost/started-programs.ts'
import type { Result, Row } from '../row.ts'
import { type WorkTree, workTree } from '../work-tree.ts'

/** The cost of one small push: processes, processor time, sessions at the upstream, requests, statements. */
export const pushCost: Row = {
  name: 'push-cost',
  async run(stage, { rounds, quick }) {
    const place = await stage.place('push-cost', { commits: 100 })
    const heard: EdgeRequest[] = []
    const gate = await stage.anotherGate({}, [place.name], {
      code: LOGS_REQUESTS,
      heard: line => {
        const request = readEdgeRequest(line)
        if (request) heard.push(request)
      },
    })
    const tree = await workTree(stage, place.dir)
    const remote = await gate.agent('ada', place.name, ['refs/heads/**'])
    const measured = { stage, place, gate, tree, remote, heard, pushes: quick ? 3 : rounds }
    return [await cost(measured, false), await cost(measured, true)]
  },
}

interface Measured {
  readonly stage: Stage
  readonly place: Place
  readonly gate: Gate
  readonly tree: WorkTree
  readonly remote: Remote
  /** The requests and statements behind the Worker so far. */
  readonly heard: EdgeRequest[]
  readonly pushes: number
}

async function cost(measured: Measured, hasMoved: boolean): Promise<Result> {
  const { stage, place, gate, heard, pushes } = measured
  for (let i = 0; i < 3; i++) await pushOnce(measured, hasMoved)
  const before = gateTime(gate)
  const sessionsBefore = stage.upstreamSessions(place).length
  heard.length = 0
  for (let i = 0; i < pushes; i++) await pushOnce(measured, hasMoved)
  const time = between(before, gateTime(gate))
  const edge = [...heard]
  const sessions = stage.upstreamSessions(place).slice(sessionsBefore)
  const watched = await watchPushes(measured, hasMoved)
  const each = (seconds: number) => `${((seconds / pushes) * 1000).toFixed(0)} ms`
  const started = watched ? `${watched.programs.length / WATCHED_PUSHES} processes, ` : ''
  return {
    work: `what one small push costs${hasMoved ? ', upstream has moved' : ''}`,
    against: '',
    gate: `${started}${each(time.worker + time.companion + time.children)} of processor time (Worker ${each(time.worker)}, companion ${each(time.companion)}, its children ${each(time.children)})`,
    peer: '',
    note: `advertisement and push, ${pushes} times; ${watched ? `the processes were counted over ${WATCHED_PUSHES} further pushes` : 'there is no strace to count the processes'}`,
    detail: details(watched, sessions, edge, pushes),
  }
}

async function pushOnce({ tree, place, remote }: Measured, hasMoved: boolean): Promise<void> {
  const push = (url: string, branch: string, env = {}) =>
    mustGit(['push', '-q', url, `HEAD:refs/heads/${branch}`], { cwd: tree.dir, env })
  await tree.change()
  if (hasMoved) {
    await push(place.dir, 'other')
    await tree.change()
  }
  await push(remote.url, 'one', remote.env)
}

/** strace makes a push several times as long, so the pushes that it watches are not those that are timed. */
const WATCHED_PUSHES = 4

async function watchPushes(measured: Measured, hasMoved: boolean): Promise<Watched | undefined> {
  if (!onPath('strace')) return undefined
  const file = `${measured.stage.fresh('trace')}/calls`
  const end = await watchPrograms(measured.gate.processes.companion, file)
  for (let i = 0; i < WATCHED_PUSHES; i++) await pushOnce(measured, hasMoved)
  return end()
}

function details(
  watched: Watched | undefined,
  sessions: readonly string[],
  edge: readonly EdgeRequest[],
  pushes: number,
): string {
  const kinds = {
    statement: 'statement of the ledger',
    object: 'request to the Durable Object',
    companion: 'request to the companion',
  }
  const counted = (what: string, names: readonly string[], times: number) =>
    countNames(names).map(([name, count]) => [
      what,
      `\`${name.replaceAll('|', '\\|')}\``,
      String(+(count / times).toFixed(2)),
    ])
  const lines = [
    ...counted('process', watched?.programs ?? [], WATCHED_PUSHES),
    ...(watched ? [['system calls', '', String(Math.round(watched.systemCalls / WATCHED_PUSHES))]] : []),
    ...counted(
      'session at the upstream',
      sessions.map(line => line.split(' ')[0] ?? ''),
      pushes,
    ),
    ...(['object', 'companion', 'statement'] as const).flatMap(kind =>
      counted(
        kinds[kind],
        edge.flatMap(request => (request.kind === kind ? [request.words] : [])),
        pushes,
      ),
    ),
  ]
  return [['what', 'which', 'times a push'], ['---', '---', '---'], ...lines]
    .map(cells => `| ${cells.join(' | ')} |`)
    .join('\n')
}

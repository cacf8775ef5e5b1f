import { FLUSH, pktLine } from '../git/pkt-line.ts'
import type { UpstreamRefs } from './upstream-refs.ts'

/** Builds the response to `ls-refs` from upstream's list of refs (gitprotocol-v2(5)). */
export function lsRefs({ refs, head, peeled }: UpstreamRefs, args: readonly string[]): Buffer {
  const prefixes = args.flatMap(arg => /^ref-prefix (.*)$/.exec(arg)?.[1] ?? [])
  const isWanted = (name: string) => prefixes.length === 0 || prefixes.some(prefix => name.startsWith(prefix))
  const lines: string[] = []
  if (head !== undefined && isWanted('HEAD')) {
    const isDetached = !head.startsWith('refs/')
    const id = isDetached ? head : (refs.get(head) ?? (args.includes('unborn') ? 'unborn' : undefined))
    const includeSymrefTarget = !isDetached && (args.includes('symrefs') || id === 'unborn')
    const target = includeSymrefTarget ? ` symref-target:${head}` : ''
    if (id) lines.push(`${id} HEAD${target}`)
  }
  for (const [name, id] of refs) {
    const tagged = args.includes('peel') ? peeled.get(name) : undefined
    if (isWanted(name)) lines.push(`${id} ${name}${tagged ? ` peeled:${tagged}` : ''}`)
  }
  return Buffer.concat([...lines.map(line => pktLine(`${line}\n`)), FLUSH])
}

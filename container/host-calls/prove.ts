import { z } from 'zod'
import { ForgeError, type HostApi, parseJson } from '../forge/host-api.ts'
import { projectPathOf } from '../forge/hosts.ts'
import type { Proof } from './plan.ts'

const Answer = z.object({
  data: z.object({
    repository: z.object({ id: z.string() }),
    nodes: z.array(
      z.object({ __typename: z.string(), repository: z.object({ id: z.string() }).optional() }).nullable(),
    ),
  }),
})
const Project = z.object({ id: z.number() })

const QUERY = `query GateProof($owner: String!, $name: String!, $ids: [ID!]!) {
  repository(owner: $owner, name: $name) { id }
  nodes(ids: $ids) { __typename ... on PullRequest { repository { id } } }
}`

const READ = 'read pull requests'

/**
 * Asks the host whether each id is of this project. Returns the first that the host does not confirm, or undefined.
 * Rejects with UpstreamError if the host does not answer.
 */
export async function findUnproven(api: HostApi, proofs: readonly Proof[]): Promise<Proof | undefined> {
  const graphql = proofs.filter(proof => proof.kind === 'repository' || proof.kind === 'pull request')
  if (graphql.length > 0) {
    const unproven = await findUnprovenId(api, graphql)
    if (unproven) return unproven
  }
  const path = projectPathOf[api.forge.kind](api.forge.project)
  for (const proof of proofs) {
    if (proof.kind === 'number') {
      const { status } = await api.send({
        method: 'GET',
        path: `${path}/pulls/${proof.number}`,
        action: READ,
      })
      if (status !== 200) return proof
    }
    if (proof.kind === 'project') {
      const { id } = await api.request(Project, { method: 'GET', path, action: 'read the project' })
      if (String(id) !== proof.id) return proof
    }
  }
  return undefined
}

type GraphQlProof = Extract<Proof, { kind: 'repository' | 'pull request' }>

async function findUnprovenId(api: HostApi, proofs: readonly GraphQlProof[]): Promise<Proof | undefined> {
  const [owner, name] = api.forge.project.split('/')
  const pulls = proofs.filter(({ kind }) => kind === 'pull request')
  const response = await api.send({
    method: 'POST',
    path: '/graphql',
    body: { query: QUERY, variables: { owner, name, ids: pulls.map(({ id }) => id) } },
    action: READ,
  })
  const read = Answer.safeParse(parseJson(response.text))
  // GitHub answers an unknown id with an error beside the data.
  if (response.status !== 200)
    throw new ForgeError(`the host answers ${response.status} when asked for an id`, response.status)
  if (!read.success) return proofs[0]
  const { repository, nodes } = read.data.data
  return proofs.find(proof => {
    if (proof.kind === 'repository') return proof.id !== repository.id
    const node = nodes[pulls.indexOf(proof)]
    return node?.__typename !== 'PullRequest' || node.repository?.id !== repository.id
  })
}

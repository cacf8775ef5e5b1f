import type { z } from 'zod'
import type { Rule } from '../../../src/contract/grant.ts'

const every = ['create', 'update', 'force', 'delete'] as const

/** The grants of the table's agents; an agent is named after its grant. */
export const GRANTS = {
  own: [{ pattern: 'refs/heads/{agent}/**', allow: [...every] }],
  maker: [
    { pattern: 'refs/heads/{agent}/**', allow: ['create', 'update'] },
    { pattern: 'refs/tags/**', allow: ['create'] },
  ],
  all: [
    { pattern: 'refs/heads/**', allow: [...every] },
    { pattern: 'refs/tags/**', allow: [...every] },
  ],
  creator: [
    { pattern: 'refs/heads/**', allow: ['create'] },
    { pattern: 'refs/tags/**', allow: ['create'] },
  ],
  updater: [
    { pattern: 'refs/heads/**', allow: ['update'] },
    { pattern: 'refs/tags/**', allow: ['update'] },
  ],
  forcer: [
    { pattern: 'refs/heads/**', allow: ['force'] },
    { pattern: 'refs/tags/**', allow: ['force'] },
  ],
  deleter: [
    { pattern: 'refs/heads/**', allow: ['delete'] },
    { pattern: 'refs/tags/**', allow: ['delete'] },
  ],
  guarded: [
    { pattern: 'refs/heads/**/main', deny: [...every] },
    { pattern: 'refs/heads/release/**', deny: ['force', 'delete'] },
    { pattern: 'refs/heads/**', allow: [...every] },
    { pattern: 'refs/tags/v*', deny: [...every] },
    { pattern: 'refs/tags/**', allow: ['create'] },
  ],
  late: [
    { pattern: 'refs/heads/**', allow: ['create', 'update'] },
    { pattern: 'refs/heads/**/main', deny: [...every] },
  ],
  both: [{ pattern: 'refs/heads/**', allow: ['create', 'update'], deny: ['update'] }],
  star: [
    { pattern: 'refs/heads/star/*', allow: [...every] },
    { pattern: 'refs/heads/*/leaf', allow: ['create'] },
  ],
  deep: [{ pattern: 'refs/heads/deep/**/leaf', allow: ['create'] }],
  question: [{ pattern: 'refs/heads/q/???', allow: ['create'] }],
  sets: [
    { pattern: 'refs/heads/set/*-[a-c]', allow: ['create'] },
    { pattern: 'refs/heads/set/*-[!a-z]x', allow: ['create'] },
    { pattern: 'refs/heads/set/*.[[:digit:]][[:digit:]]', allow: ['create'] },
  ],
  inside: [
    { pattern: 'refs/heads/*-{agent}-*', allow: ['create'] },
    { pattern: 'refs/tags/{agent}/**', allow: ['create'] },
  ],
  versions: [{ pattern: 'refs/tags/v[0-9]*', allow: ['create'] }],
  reader: [],
} satisfies Record<string, z.input<typeof Rule>[]>

export type GrantName = keyof typeof GRANTS

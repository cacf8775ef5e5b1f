import {
  type GraphQLNamedType,
  type GraphQLType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
} from 'graphql'
import { describe, expect, test } from 'vitest'
import { githubSchema } from '../../../container/host-calls/github-schema.ts'
import { publishedSchema } from './stand-in-github.ts'

/** The types of the gate that stand in the place of a wider type of GitHub's. */
const NARROWER: Readonly<Record<string, string>> = {
  OtherRepository: 'Repository',
  ReferencedIssue: 'Issue',
  ReferencedIssueConnection: 'IssueConnection',
  ReferencedPullRequest: 'PullRequest',
  ReferencedPullRequestConnection: 'PullRequestConnection',
}
const publishedName = (name: string) => NARROWER[name] ?? name

const own = Object.values(githubSchema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
interface Field {
  readonly name: string
  readonly type: GraphQLType
  readonly args?: readonly { readonly name: string }[]
}
const fieldsOf = (type: GraphQLNamedType | undefined): Field[] =>
  isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
    ? Object.values(type.getFields())
    : []

describe('the part of GitHub’s schema that the gate allows', () => {
  test.each(own.map(type => [type.name, type] as const))('%s is as GitHub publishes it', (_, type) => {
    const published = publishedSchema.getType(publishedName(type.name))
    expect(published, type.name).toBeDefined()
    for (const field of fieldsOf(type)) {
      const same = fieldsOf(published).find(({ name }) => name === field.name)
      expect(same, `${type.name}.${field.name}`).toBeDefined()
      expect(getNamedType(same?.type)?.name).toBe(publishedName(getNamedType(field.type).name))
      const names = same?.args?.map(({ name }) => name) ?? []
      expect(names).toEqual(expect.arrayContaining(field.args?.map(({ name }) => name) ?? []))
    }
    if (isEnumType(type))
      for (const { name } of type.getValues())
        expect(isEnumType(published) && published.getValue(name), `${type.name}.${name}`).toBeTruthy()
    if (isUnionType(type) && isUnionType(published))
      expect(
        published
          .getTypes()
          .map(({ name }) => name)
          .sort(),
      ).toEqual(expect.arrayContaining(type.getTypes().map(({ name }) => name)))
  })

  test('no field is of a secret, and none leads to a list of repositories', () => {
    const names = own.flatMap(type => fieldsOf(type).map(({ name }) => name))
    expect(names.filter(name => /token|secret|key/i.test(name))).toEqual([])
    expect(names).not.toContain('repositories')
    expect(names).not.toContain('object')
  })
})

import {
  coerceInputLiteral,
  type DocumentNode,
  executeSync,
  type FieldNode,
  getArgumentValues,
  getVariableValues,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  OverlappingFieldsCanBeMergedRule,
  parse,
  print,
  specifiedRules,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import { z } from 'zod'
import { withoutTokens } from '../../src/contract/text/unscanned-text.ts'
import { githubSchema } from './github-schema.ts'
import { type KnownCall, type Plan, type Proof, refused } from './plan.ts'
import { Branch, Text, Title } from './pull-request-fields.ts'

const Body = z.strictObject({
  query: z.string().max(100_000),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
})

/** Limit of a request's tokens; gh's longest has about 600. */
const MAX_TOKENS = 3_000
/** Limit of a request's roots; gh has two. */
const MAX_ROOTS = 5
/** The problems that a refusal names. */
const MAX_PROBLEMS = 3

/**
 * gh asks for the state of an issue or a pull request under one name, which GitHub allows. The rule judges the shape of an
 * answer, not its content, and takes long on hostile queries.
 */
const RULES = specifiedRules.filter(rule => rule !== OverlappingFieldsCanBeMergedRule)

type Values = NonNullable<Parameters<typeof getArgumentValues>[2]>

/**
 * Reads a GraphQL request for the API of GitHub. It is known if the gate's part of the schema validates it, and if each of
 * its roots is the project, or an id that the host will prove to be of the project. The request that is sent is
 * printed from what was judged.
 */
export function planGraphQl(body: unknown, project: string): Plan {
  const read = Body.safeParse(body)
  if (!read.success) return refused('a GraphQL request is JSON with query and variables')
  let document: DocumentNode
  try {
    document = withoutParents(parse(read.data.query, { noLocation: true, maxTokens: MAX_TOKENS }))
  } catch (error) {
    return refused(`the query cannot be read: ${wordsOf(error)}`)
  }
  const problem = validateDocument(document)
  if (problem !== undefined) return refused(problem)
  const operation = document.definitions.find(each => each.kind === Kind.OPERATION_DEFINITION)
  if (!operation) return refused('the query has no operation')
  const roots = operation.selectionSet.selections.filter(each => each.kind === Kind.FIELD)
  if (roots.length !== operation.selectionSet.selections.length) return refused('a fragment at the root')
  if (roots.length > MAX_ROOTS) return refused(`more than ${MAX_ROOTS} fields at the root`)
  const values = getVariableValues(
    githubSchema,
    operation.variableDefinitions ?? [],
    read.data.variables ?? {},
    { hideSuggestions: true },
  )
  if (values.errors) return refused(values.errors.slice(0, MAX_PROBLEMS).map(wordsOf).join('; '))
  const { variableValues } = values
  if (roots.every(({ name }) => name.value === '__type' || name.value === '__typename'))
    return planIntrospection(document, roots, variableValues)
  return operation.operation === 'mutation'
    ? planMutation(document, roots, variableValues)
    : planQuery(document, roots, variableValues, project)
}

/** gh asks for a fork's parent whenever it reads a repository. The parent is another repository. */
const withoutParents = (document: DocumentNode): DocumentNode =>
  visit(document, { Field: ({ name }) => (name.value === 'parent' ? null : undefined) })

/** Returns why a document is refused, or undefined. */
function validateDocument(document: DocumentNode): string | undefined {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  if (operations.length !== 1) return 'a query has one operation'
  let problem: string | undefined
  visit(document, {
    // A directive can make the host see another request than the gate has judged.
    Directive: ({ name }) => {
      problem = `the directive @${name.value} is not passed on`
    },
    SelectionSet: ({ selections }) => {
      if (selections.length === 0) problem = 'a selection without a field'
    },
  })
  if (problem !== undefined) return problem
  const errors = validate(githubSchema, document, RULES, {
    maxErrors: MAX_PROBLEMS,
    hideSuggestions: true,
  })
  return errors.length === 0 ? undefined : errors.slice(0, MAX_PROBLEMS).map(wordsOf).join('; ')
}

/** GitHub's own words for an unknown field: by these, gh goes on without fields that a host does not have. */
const wordsOf = (error: unknown): string =>
  withoutTokens(error instanceof Error ? error.message : String(error))
    .replace(/^Cannot query field "(\w+)" on type "(\w+)"\./, "Field '$1' doesn't exist on type '$2'")
    .slice(0, 200)

/** Fields below the root keep their names: with aliases at each level, an answer would grow exponentially. */
function planIntrospection(document: DocumentNode, roots: readonly FieldNode[], values: Values): Plan {
  let hasAlias = false
  visit(document, {
    Field: field => {
      hasAlias ||= field.alias !== undefined && !roots.includes(field)
    },
  })
  if (hasAlias) return refused('an alias in introspection')
  return {
    is: 'local',
    operation: 'graphql introspection',
    body: executeSync({ schema: githubSchema, document, variableValues: values.coerced }),
  }
}

function planQuery(
  document: DocumentNode,
  roots: readonly FieldNode[],
  values: Values,
  project: string,
): Plan {
  const fields = githubSchema.getQueryType()?.getFields() ?? {}
  for (const root of roots) {
    const field = fields[root.name.value]
    if (!field) return refused(`${root.name.value} beside other fields`)
    if (root.name.value !== 'repository') continue
    const { owner, name } = getArgumentValues(field, root, values)
    if (`${owner}/${name}`.toLowerCase() !== project.toLowerCase())
      return refused(`the repository is ${project} here, and no other`)
  }
  const below = roots.flatMap(({ selectionSet }) => selectionSet?.selections ?? [])
  const names = below.flatMap(each => (each.kind === Kind.FIELD ? [each.name.value] : []))
  const operation = `graphql ${roots[0]?.name.value ?? ''} ${[...new Set(names)].join(' ')}`.trim()
  return {
    is: 'known',
    known: {
      operation: operation.slice(0, 200),
      call: callOf(document, values, 'read pull requests and issues'),
      isWrite: false,
      texts: [],
      proofs: proofsOf(document, values),
      answer: 'graphql',
    },
  }
}

type Write = Pick<KnownCall, 'texts' | 'opens'> & { readonly action: string }

/** Reads the input of each mutation. */
const WRITES: Readonly<Record<string, z.ZodType<Write>>> = {
  createPullRequest: z
    .object({ baseRefName: Branch, headRefName: Branch, title: Title, body: Text.nullish() })
    .transform(({ baseRefName: base, headRefName: head, title, body }) => ({
      action: 'open pull requests',
      texts: [title, body ?? ''],
      opens: { base, head },
    })),
  addComment: z
    .object({ body: Text.min(1) })
    .transform(({ body }) => ({ action: 'comment on pull requests', texts: [body] })),
}

function planMutation(document: DocumentNode, roots: readonly FieldNode[], values: Values): Plan {
  const [root] = roots
  if (!root || roots.length !== 1) return refused('a mutation has one field')
  const { value: mutation } = root.name
  const field = githubSchema.getMutationType()?.getFields()[mutation]
  const schema = WRITES[mutation]
  if (!field || !schema) return refused(`the mutation ${mutation}`)
  const write = schema.safeParse(getArgumentValues(field, root, values).input)
  if (!write.success) {
    const [issue] = write.error.issues
    return refused(`the input of ${mutation}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
  }
  const { action, ...texts } = write.data
  return {
    is: 'known',
    known: {
      operation: `graphql ${mutation}`,
      call: callOf(document, values, action),
      isWrite: true,
      proofs: proofsOf(document, values),
      answer: 'graphql',
      ...texts,
    },
  }
}

const callOf = (document: DocumentNode, { coerced }: Values, action: string): KnownCall['call'] => ({
  method: 'POST',
  path: '/graphql',
  body: { query: print(document), variables: coerced },
  action,
})

/** Returns every id in the arguments of a document: of the repository where it must be that, else of a pull request. */
function proofsOf(document: DocumentNode, values: Values): Proof[] {
  const proofs = new Map<string, Proof>()
  const add = (value: unknown, type: unknown, field: string): void => {
    if (value === undefined || value === null) return
    if (isNonNullType(type)) return add(value, type.ofType, field)
    if (isListType(type))
      for (const each of Array.isArray(value) ? value : [value]) add(each, type.ofType, field)
    else if (isInputObjectType(type))
      for (const [name, each] of Object.entries(value)) add(each, type.getFields()[name]?.type, name)
    else if (type === githubSchema.getType('ID')) {
      const kind = field === 'repositoryId' ? 'repository' : 'pull request'
      proofs.set(`${kind} ${value}`, { kind, id: String(value) })
    }
  }
  const info = new TypeInfo(githubSchema)
  visit(
    document,
    visitWithTypeInfo(info, {
      Argument: ({ name, value }) => {
        const type = info.getInputType()
        if (type) add(coerceInputLiteral(value, type, values), type, name.value)
      },
    }),
  )
  return [...proofs.values()]
}

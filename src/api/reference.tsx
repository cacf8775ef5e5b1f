import { z } from 'zod'
import type { ApiDocument } from './openapi.ts'

const METHODS = ['get', 'post', 'put', 'delete'] as const

/** The keywords of JSON Schema that this page shows. */
const Schema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  default: z.unknown().optional(),
  examples: z.array(z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  get items() {
    return Schema.optional()
  },
  get properties() {
    return z.record(z.string(), Schema).optional()
  },
  get anyOf() {
    return z.array(Schema).optional()
  },
})
type Schema = z.infer<typeof Schema>

const Body = z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: Schema })).optional() })
const Operation = z.looseObject({
  tags: z.array(z.string()).default([]),
  summary: z.string().default(''),
  description: z.string().default(''),
  parameters: z
    .array(
      z.looseObject({
        name: z.string(),
        in: z.string(),
        required: z.boolean().default(false),
        description: z.string().default(''),
        schema: Schema,
      }),
    )
    .default([]),
  requestBody: Body.optional(),
  responses: z.record(z.string(), Body.extend({ description: z.string() })),
})
type Operation = z.infer<typeof Operation>

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #777 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line) } h3 { margin: 2rem 0 .3rem }
code, pre { font: 14px/1.5 ui-monospace, monospace } pre { overflow-x: auto; padding: .7rem; border: 1px solid var(--line) }
table { border-collapse: collapse; width: 100% } td { border-top: 1px solid var(--line); padding: .3rem .6rem .3rem 0; vertical-align: top }
.soft { color: var(--soft) } .method { display: inline-block; min-width: 4.2rem; font-weight: 700 } nav a { margin-right: 1rem }
`

/** Renders the API reference as one HTML page without external resources. */
export const referencePage = (api: ApiDocument): string => `<!doctype html>${<Reference api={api} />}`

function Reference({ api }: { api: ApiDocument }) {
  const operations = Object.entries(api.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap(method => {
      const operation = item[method]
      return operation ? [{ path, method, operation: Operation.parse(operation) }] : []
    }),
  )
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))]
  const schemas = Object.entries(z.record(z.string(), Schema).parse(api.components?.schemas ?? {}))
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>{api.info.title}</title>
        <style>{STYLE}</style>
      </head>
      <body>
        <h1>{api.info.title}</h1>
        <p>{api.info.description}</p>
        <p>
          Every request needs an admin token; bodies are JSON. OpenAPI document:{' '}
          <a href="openapi.json">openapi.json</a>.
        </p>
        <pre>{'curl -H "Authorization: Bearer $GATE_ADMIN_TOKEN" $GATE_URL/-/api/v1/repositories'}</pre>
        <p>
          An error has a status of 400 or more, and this body:{' '}
          <code>{'{"error": {"code", "message", "fix"}}'}</code>.
        </p>
        <nav>
          {tags.map(tag => (
            <a href={`#${anchor(tag)}`}>{tag}</a>
          ))}
          <a href="#schemas">schemas</a>
        </nav>
        {tags.map(tag => (
          <section>
            <h2 id={anchor(tag)}>{tag}</h2>
            {operations
              .filter(({ operation }) => operation.tags.includes(tag))
              .map(({ path, method, operation }) => (
                <Route path={path} method={method} operation={operation} />
              ))}
          </section>
        ))}
        <h2 id="schemas">schemas</h2>
        {schemas.map(([name, schema]) => (
          <section>
            <h3 id={name}>{name}</h3>
            {schema.description && <p>{schema.description}</p>}
            <Fields schema={schema} />
          </section>
        ))}
      </body>
    </html>
  )
}

function Route({ path, method, operation }: { path: string; method: string; operation: Operation }) {
  const [status, response] = Object.entries(operation.responses)[0] ?? []
  return (
    <section>
      <h3 id={anchor(`${method} ${path}`)}>
        <code class="method">{method.toUpperCase()}</code> <code>{path}</code>
      </h3>
      <p>
        {operation.summary}. {operation.description}
      </p>
      <table>
        {operation.parameters.map(parameter => (
          <tr>
            <td>
              <code>{parameter.name}</code>
            </td>
            <td class="soft">
              in the {parameter.in}, <Type schema={parameter.schema} />
            </td>
            <td>{parameter.description || parameter.schema.description}</td>
          </tr>
        ))}
        {bodySchema(operation.requestBody) && (
          <tr>
            <td>body</td>
            <td colspan={2}>
              <Type schema={bodySchema(operation.requestBody) ?? {}} />
            </td>
          </tr>
        )}
        <tr>
          <td>response {status}</td>
          <td>
            <Type schema={bodySchema(response) ?? {}} />
          </td>
          <td>{response?.description}</td>
        </tr>
      </table>
    </section>
  )
}

function Fields({ schema }: { schema: Schema }) {
  if (!schema.properties) return <Type schema={schema} />
  return (
    <table>
      {Object.entries(schema.properties).map(([name, field]) => (
        <tr>
          <td>
            <code>{name}</code>
            {schema.required?.includes(name) ? '' : <span class="soft"> optional</span>}
          </td>
          <td class="soft">
            <Type schema={field} />
            {field.default !== undefined && ` = ${JSON.stringify(field.default)}`}
          </td>
          <td>
            {field.description}
            {field.examples && <span class="soft"> {field.examples.join(', ')}</span>}
          </td>
        </tr>
      ))}
    </table>
  )
}

function Type({ schema }: { schema: Schema }) {
  const name = schema.$ref?.split('/').at(-1)
  if (name !== undefined) return <a href={`#${name}`}>{name}</a>
  if (schema.enum) return <>{schema.enum.map(value => JSON.stringify(value)).join(' | ')}</>
  if (schema.anyOf)
    return (
      <>
        {schema.anyOf.map((alternative, index) => (
          <>
            {index > 0 && ' | '}
            <Type schema={alternative} />
          </>
        ))}
      </>
    )
  if (schema.items)
    return (
      <>
        list of <Type schema={schema.items} />
      </>
    )
  return <>{[schema.type ?? 'any'].flat().join(' | ')}</>
}

const bodySchema = (body: z.infer<typeof Body> | undefined) => Object.values(body?.content ?? {})[0]?.schema
const anchor = (text: string) => text.replaceAll(/[^a-z]+/gi, '-')

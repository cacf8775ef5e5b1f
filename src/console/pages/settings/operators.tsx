import type { Context } from 'hono'
import { OperatorRole } from '../../../contract/admin-api/operators.ts'
import { describeRole, Role } from '../../../contract/role.ts'
import { listOperatorRoles } from '../../../ledger/access/operator-roles.ts'
import { listRepositories } from '../../../ledger/access/repositories.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { RelativeTime } from '../../components/relative-time.tsx'
import { UntrustedText } from '../../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../../forms/call-api.ts'
import { ConfirmForm } from '../../forms/confirm-form.tsx'
import { DisclosureForm } from '../../forms/disclosure-form.tsx'
import { Field } from '../../forms/field.tsx'
import { LineField } from '../../forms/text-fields.tsx'
import { pathOf } from '../../paths.ts'
import { EmptyState, ErrorMessage, Form } from '../frame/layout.tsx'
import { settingsPage } from './settings-page.tsx'

/** `GET /settings/operators` */
export const showOperators = (c: Context<ConsoleEnv>) => operatorsPage(c, {})

/** `POST /settings/operators`: gives a role. */
export async function addOperator(c: Context<ConsoleEnv>): Promise<Response> {
  const wanted = await roleOf(c)
  const result = await giveRole(c, wanted)
  return result.ok
    ? c.redirect(pathOf.operators, 303)
    : operatorsPage(c, { addProblem: result.problem, wanted })
}

/** `POST /settings/operators/change`: gives another role in place of a listed one. */
export async function changeOperator(c: Context<ConsoleEnv>): Promise<Response> {
  const result = await giveRole(c, await roleOf(c))
  return result.ok ? c.redirect(pathOf.operators, 303) : operatorsPage(c, { problem: result.problem })
}

/** `POST /settings/operators/remove` */
export async function removeOperator(c: Context<ConsoleEnv>): Promise<Response> {
  const { principal, repository } = await roleOf(c)
  const query = repository === null ? '' : `?${new URLSearchParams({ repository })}`
  const path = `/operators/${encodeURIComponent(principal)}${query}`
  const removed = await callApi(c, OperatorRole, 'DELETE', path)
  return removed.ok ? c.redirect(pathOf.operators, 303) : operatorsPage(c, { problem: removed.problem })
}

/** The role of a form, which the admin API validates. */
interface WantedRole {
  readonly principal: string
  readonly role: string
  /** Null: the whole gate. */
  readonly repository: string | null
}

async function roleOf(c: Context<ConsoleEnv>): Promise<WantedRole> {
  const { principal, role, repository } = await c.req.parseBody()
  return {
    principal: String(principal ?? '').trim(),
    role: String(role ?? ''),
    repository: String(repository ?? '') || null,
  }
}

const giveRole = (c: Context<ConsoleEnv>, wanted: WantedRole) =>
  callApi(c, OperatorRole, 'PUT', '/operators', wanted)

interface PageState {
  readonly problem?: ApiProblem
  /** The problem of a rejected new role, with the values of its form. */
  readonly addProblem?: ApiProblem
  readonly wanted?: WantedRole
}

async function operatorsPage(
  c: Context<ConsoleEnv>,
  { problem, addProblem, wanted }: PageState,
): Promise<Response> {
  const [roles, repositories] = await Promise.all([
    listOperatorRoles(c.env.LEDGER),
    listRepositories(c.env.LEDGER),
  ])
  return settingsPage(c, {
    title: 'Operators',
    problem: problem ?? addProblem,
    children: (
      <>
        <p class="muted">
          Roles of the people who sign in by OpenID Connect or Cloudflare Access. A viewer reads, an approver
          also decides on findings and pushes, an admin also changes grants and settings. An admin token has a
          role of its own.
        </p>
        <ErrorMessage problem={problem} />
        {roles.length === 0 && (
          <EmptyState title="No operator who signs in has a role yet.">
            <p>Give a role to an e-mail address or to a group. Without a role, a sign-in is refused.</p>
          </EmptyState>
        )}
        <ul class="plain-list">
          {roles.map(each => (
            <RoleItem c={c} of={each} />
          ))}
        </ul>
        <AddRoleForm
          c={c}
          open={roles.length === 0}
          problem={addProblem}
          wanted={wanted}
          repositories={repositories.map(({ name }) => name)}
        />
      </>
    ),
  })
}

const RoleItem = ({ c, of }: { c: Context<ConsoleEnv>; of: OperatorRole }) => {
  const { principal, role, repository, createdAt } = of
  const values = { principal, repository: repository ?? '' }
  const scope = repository ?? 'the gate'
  return (
    <li>
      <UntrustedText text={principal} />
      <p class="muted small">
        <UntrustedText text={describeRole(of)} />; since <RelativeTime iso={createdAt} />
      </p>
      <div class="item-actions">
        <Form c={c} action={`${pathOf.operators}/change`} class="choice">
          {Object.entries(values).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <RoleSelect value={role} label={`Role of ${principal} in ${scope}`} />
          <button type="submit">
            Change
            <span class="visually-hidden">
              {' '}
              the role of {principal} in {scope}
            </span>
          </button>
        </Form>
        <ConfirmForm
          c={c}
          action={`${pathOf.operators}/remove`}
          verb="Remove"
          object={`the role of ${principal} in ${scope}`}
          effect={`${principal} is no longer ${describeRole(of)}, from the next request on.`}
          values={values}
        />
      </div>
    </li>
  )
}

const RoleSelect = ({ value, label, id }: { value: string; label?: string; id?: string }) => (
  <select name="role" aria-label={label} id={id}>
    {Role.options.map(role => (
      <option value={role} selected={role === value}>
        {role}
      </option>
    ))}
  </select>
)

const AddRoleForm = ({
  c,
  open,
  problem,
  wanted,
  repositories,
}: {
  c: Context<ConsoleEnv>
  open: boolean
  problem: ApiProblem | undefined
  wanted: WantedRole | undefined
  repositories: readonly string[]
}) => (
  <DisclosureForm
    c={c}
    summary="Give a role"
    action={pathOf.operators}
    button="Give the role"
    open={open}
    problem={problem}
  >
    <LineField
      id="principal"
      label="Operator"
      hint="email:ADDRESS that the issuer has verified, group:NAME, or subject:ISSUER#SUBJECT"
      wide
      name="principal"
      required
      maxlength={512}
      value={wanted?.principal}
      placeholder="email:grace@acme.example"
    />
    <Field id="role" label="Role">
      <RoleSelect id="role" value={wanted?.role ?? 'viewer'} />
    </Field>
    <Field id="repository" label="Repository" hint="an earlier role of this operator there is replaced">
      <select id="repository" name="repository" aria-describedby="repository-hint">
        <option value="">the whole gate</option>
        {repositories.map(name => (
          <option value={name} selected={name === wanted?.repository}>
            {name}
          </option>
        ))}
      </select>
    </Field>
  </DisclosureForm>
)

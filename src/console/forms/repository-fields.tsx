import { z } from 'zod'
import type { Identity, Repository } from '../../contract/api.ts'
import { Field } from './field.tsx'
import { checkbox, multiline } from './form-values.ts'

/** The values of a repository form. The admin API validates them. */
export const RepositoryForm = z.object({
  upstream: z.string().trim().default(''),
  identity: z.string().default(''),
  knownHosts: multiline,
  staleReads: checkbox,
  gitleaksConfig: multiline,
})
export type RepositoryForm = z.infer<typeof RepositoryForm>

/** Converts a repository's settings to form values. */
export const toForm = ({
  upstream,
  identity,
  knownHosts,
  staleReads,
  gitleaksConfig,
}: Repository): RepositoryForm => ({ upstream, identity, knownHosts, staleReads, gitleaksConfig })

/** Describes the settings that differ from `others`. */
export function formatDifferences(settings: RepositoryForm, others: RepositoryForm): string[] {
  const lines: { [name in keyof RepositoryForm]: string } = {
    upstream: `upstream: ${settings.upstream}`,
    identity: `identity: ${settings.identity}`,
    knownHosts: `known hosts:\n${settings.knownHosts}`,
    staleReads: `serve stale reads while the upstream is unreachable: ${settings.staleReads ? 'yes' : 'no'}`,
    gitleaksConfig: settings.gitleaksConfig
      ? `gitleaks configuration:\n${settings.gitleaksConfig}`
      : 'gitleaks configuration: none',
  }
  return RepositoryForm.keyof()
    .options.filter(name => settings[name] !== others[name])
    .map(name => lines[name])
}

/** The fields of a repository form. */
export const RepositoryFields = ({
  identities,
  values,
}: {
  identities: readonly Identity[]
  values: RepositoryForm | undefined
}) => (
  <>
    <Field id="upstream" label="Upstream" hint="the SSH URL to which the gate forwards accepted pushes" wide>
      <input
        id="upstream"
        name="upstream"
        aria-describedby="upstream-hint"
        required
        maxlength={1024}
        value={values?.upstream ?? ''}
        placeholder="ssh://git@github.com/acme/app.git"
        autocomplete="off"
        spellcheck={false}
      />
    </Field>
    <IdentityField identities={identities} value={values?.identity} />
    <KnownHostsField value={values?.knownHosts ?? ''} />
    <label class="check">
      <input type="checkbox" name="staleReads" value="yes" checked={values?.staleReads === true} />
      Serve stale reads from the mirror while the upstream is unreachable
    </label>
    <Field
      id="gitleaks"
      label={
        <>
          gitleaks configuration <span class="muted">(optional)</span>
        </>
      }
      hint="TOML; it extends the default rules"
      wide
    >
      <textarea
        id="gitleaks"
        name="gitleaksConfig"
        aria-describedby="gitleaks-hint"
        rows={3}
        spellcheck={false}
      >
        {values?.gitleaksConfig ?? ''}
      </textarea>
    </Field>
  </>
)

const IdentityField = ({
  identities,
  value,
}: {
  identities: readonly Identity[]
  value: string | undefined
}) => (
  <Field id="identity" label="Identity" hint="the SSH key with which the gate authenticates at the upstream">
    <select id="identity" name="identity" aria-describedby="identity-hint" required>
      {identities.length === 0 && <option value="">create one first: git gate identity new</option>}
      {identities.map(({ name }) => (
        <option value={name} selected={value === name}>
          {name}
        </option>
      ))}
    </select>
  </Field>
)

const KnownHostsField = ({ value }: { value: string }) => (
  <Field
    id="known-hosts"
    label="Known hosts"
    hint="the upstream’s host keys, as ssh-keyscan prints them; compare them with the keys that the host publishes"
    wide
  >
    <textarea
      id="known-hosts"
      name="knownHosts"
      aria-describedby="known-hosts-hint"
      required
      rows={3}
      spellcheck={false}
      placeholder="github.com ssh-ed25519 AAAA…"
    >
      {value}
    </textarea>
  </Field>
)

import type { Credential } from '../../contract/admin-api/credentials.ts'
import type { Identity } from '../../contract/admin-api/identities.ts'
import { ForgeKind } from '../../contract/hosts/forge.ts'
import { Field } from './field.tsx'
import { LABELS } from './labels.ts'
import type { RepositoryForm } from './repository-form.ts'
import { LineField, LinesField } from './text-fields.tsx'

/** The fields of a repository form. */
export const RepositoryFields = ({
  identities,
  credentials,
  values,
}: {
  identities: readonly Identity[]
  credentials: readonly Credential[]
  values: RepositoryForm | undefined
}) => (
  <>
    <LineField
      id="upstream"
      label={LABELS.upstream}
      hint="the SSH or HTTPS URL to which the gate forwards accepted pushes"
      wide
      name="upstream"
      required
      maxlength={1024}
      value={values?.upstream}
      placeholder="ssh://git@github.com/acme/app.git"
    />
    <IdentityField identities={identities} value={values?.identity} />
    <KnownHostsField value={values?.knownHosts} />
    <HttpsFields credentials={credentials} values={values} />
    <HostFields values={values} />
    <label class="check">
      <input type="checkbox" name="staleReads" value="yes" checked={values?.staleReads === true} />
      Serve stale reads from the mirror while the upstream is unreachable
    </label>
    <LineField
      id="read-refs"
      label={
        <>
          {LABELS.readRefs} <span class="muted">(optional)</span>
        </>
      }
      hint="refs of the upstream beside branches, tags and notes"
      wide
      name="readRefs"
      value={values?.readRefs}
      placeholder="refs/pull/*/head"
    />
    <LinesField
      id="gitleaks"
      label={
        <>
          {LABELS.gitleaksConfig} <span class="muted">(optional)</span>
        </>
      }
      hint="TOML; it extends the default rules"
      name="gitleaksConfig"
      rows={3}
      value={values?.gitleaksConfig}
    />
  </>
)

const IdentityField = ({
  identities,
  value,
}: {
  identities: readonly Identity[]
  value: string | null | undefined
}) => (
  <Field
    id="identity"
    label={LABELS.identity}
    hint="the SSH key with which the gate authenticates at an SSH upstream; made with git gate identity new"
  >
    <select id="identity" name="identity" aria-describedby="identity-hint">
      <option value="">none: the upstream is over HTTPS</option>
      {identities.map(({ name }, index) => (
        <option value={name} selected={value === undefined ? index === 0 : value === name}>
          {name}
        </option>
      ))}
    </select>
  </Field>
)

const HttpsFields = ({
  credentials,
  values,
}: {
  credentials: readonly Credential[]
  values: RepositoryForm | undefined
}) => (
  <>
    <Field
      id="credential"
      label={LABELS.credential}
      hint="for an HTTPS upstream, and for the host’s API; made with git gate credential set"
    >
      <select id="credential" name="credential" aria-describedby="credential-hint">
        <option value="">none</option>
        {credentials.map(({ name }) => (
          <option value={name} selected={values?.credential === name}>
            {name}
          </option>
        ))}
      </select>
    </Field>
    <LineField
      id="proxy"
      label={LABELS.proxy}
      hint="for HTTPS: http://host:port; empty: none"
      name="proxy"
      maxlength={1024}
      value={values?.proxy}
    />
    <LinesField
      id="ca"
      label={LABELS.ca}
      hint="for HTTPS: certificates in PEM to trust instead of the system’s; empty: the system’s"
      name="ca"
      rows={3}
      value={values?.ca}
    />
  </>
)

const HostFields = ({ values }: { values: RepositoryForm | undefined }) => (
  <>
    <Field id="forge" label={LABELS.forge} hint="by its API, for pull requests; Forgejo has Gitea’s">
      <select id="forge" name="forge" aria-describedby="forge-hint">
        <option value="">as the host’s name implies</option>
        {ForgeKind.options.map(kind => (
          <option value={kind} selected={values?.forge === kind}>
            {kind}
          </option>
        ))}
      </select>
    </Field>
    <LineField
      id="api-url"
      label={LABELS.apiUrl}
      hint="its base URL; empty: the usual one of the upstream’s host"
      name="apiUrl"
      maxlength={1024}
      value={values?.apiUrl}
      placeholder="https://git.example.com/api/v1"
    />
    <LineField
      id="web-url"
      label={LABELS.webUrl}
      hint="of the repository at its host, for links; empty: derived from a recognized host"
      name="webUrl"
      maxlength={1024}
      value={values?.webUrl}
      placeholder="https://git.example.com/acme/app"
    />
  </>
)

const KnownHostsField = ({ value }: { value: string | undefined }) => (
  <LinesField
    id="known-hosts"
    label={LABELS.knownHosts}
    hint="an SSH upstream’s host keys, as ssh-keyscan prints them; compare them with the keys that the host publishes"
    name="knownHosts"
    rows={3}
    placeholder="github.com ssh-ed25519 AAAA…"
    value={value}
  />
)

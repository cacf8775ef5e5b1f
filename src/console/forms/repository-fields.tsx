import { z } from 'zod'
import type { Credential } from '../../contract/admin-api/credentials.ts'
import type { Identity } from '../../contract/admin-api/identities.ts'
import type { Repository } from '../../contract/admin-api/repositories.ts'
import { ForgeKind } from '../../contract/forge.ts'
import { Field } from './field.tsx'
import { checkbox, choice, multiline } from './form-values.ts'

/** The values of a repository form. The admin API validates them. */
export const RepositoryForm = z.object({
  upstream: z.string().trim().default(''),
  identity: choice,
  knownHosts: multiline,
  credential: choice,
  ca: multiline,
  proxy: z.string().trim().default(''),
  forge: choice,
  api: z.string().trim().default(''),
  webUrl: z.string().trim().default(''),
  staleReads: checkbox,
  readRefs: z.string().trim().default(''),
  gitleaksConfig: multiline,
})
export type RepositoryForm = z.infer<typeof RepositoryForm>

/** Converts a repository's settings to form values. */
export const toForm = ({
  upstream,
  identity,
  knownHosts,
  credential,
  ca,
  proxy,
  forge,
  api,
  webUrl,
  staleReads,
  readRefs,
  gitleaksConfig,
}: Repository): RepositoryForm => ({
  upstream,
  identity,
  knownHosts,
  credential,
  ca,
  proxy,
  forge,
  api,
  webUrl,
  staleReads,
  readRefs: readRefs.join(' '),
  gitleaksConfig,
})

/** Converts form values to settings for the admin API. */
export const toSettings = <Form extends RepositoryForm>(form: Form) => ({
  ...form,
  readRefs: form.readRefs.split(/\s+/).filter(Boolean),
})

/** Describes the settings that differ from `others`. */
export function formatDifferences(settings: RepositoryForm, others: RepositoryForm): string[] {
  const lines: { [name in keyof RepositoryForm]: string } = {
    upstream: `upstream: ${settings.upstream}`,
    identity: `identity: ${settings.identity ?? 'none'}`,
    knownHosts: settings.knownHosts ? `known hosts:\n${settings.knownHosts}` : 'known hosts: none',
    credential: `credential: ${settings.credential ?? 'none'}`,
    ca: settings.ca ? `certificate authorities:\n${settings.ca}` : 'certificate authorities: of the system',
    proxy: `proxy: ${settings.proxy || 'none'}`,
    forge: `kind of the host: ${settings.forge ?? 'as its name implies'}`,
    api: `API of the host: ${settings.api || 'the usual one'}`,
    webUrl: `web page: ${settings.webUrl || 'as the host’s name implies'}`,
    staleReads: `serve stale reads while the upstream is unreachable: ${settings.staleReads ? 'yes' : 'no'}`,
    readRefs: `further refs to read: ${settings.readRefs || 'none'}`,
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
  credentials,
  values,
}: {
  identities: readonly Identity[]
  credentials: readonly Credential[]
  values: RepositoryForm | undefined
}) => (
  <>
    <Field
      id="upstream"
      label="Upstream"
      hint="the SSH or HTTPS URL to which the gate forwards accepted pushes"
      wide
    >
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
    <HttpsFields credentials={credentials} values={values} />
    <HostFields values={values} />
    <label class="check">
      <input type="checkbox" name="staleReads" value="yes" checked={values?.staleReads === true} />
      Serve stale reads from the mirror while the upstream is unreachable
    </label>
    <Field
      id="read-refs"
      label={
        <>
          Further refs to read <span class="muted">(optional)</span>
        </>
      }
      hint="refs of the upstream beside branches, tags and notes"
      wide
    >
      <input
        id="read-refs"
        name="readRefs"
        aria-describedby="read-refs-hint"
        value={values?.readRefs ?? ''}
        placeholder="refs/pull/*/head"
        autocomplete="off"
        spellcheck={false}
      />
    </Field>
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
  value: string | null | undefined
}) => (
  <Field
    id="identity"
    label="Identity"
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
      label="Credential"
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
    <Field id="proxy" label="Proxy" hint="for HTTPS: http://host:port; empty: none">
      <input
        id="proxy"
        name="proxy"
        aria-describedby="proxy-hint"
        maxlength={1024}
        value={values?.proxy ?? ''}
        autocomplete="off"
        spellcheck={false}
      />
    </Field>
    <Field
      id="ca"
      label="Certificate authorities"
      hint="for HTTPS: certificates in PEM to trust instead of the system’s; empty: the system’s"
      wide
    >
      <textarea id="ca" name="ca" aria-describedby="ca-hint" rows={3} spellcheck={false}>
        {values?.ca ?? ''}
      </textarea>
    </Field>
  </>
)

const HostFields = ({ values }: { values: RepositoryForm | undefined }) => (
  <>
    <Field id="forge" label="Kind of host" hint="by its API, for pull requests; Forgejo has Gitea’s">
      <select id="forge" name="forge" aria-describedby="forge-hint">
        <option value="">as the host’s name implies</option>
        {ForgeKind.options.map(kind => (
          <option value={kind} selected={values?.forge === kind}>
            {kind}
          </option>
        ))}
      </select>
    </Field>
    <Field id="api" label="API of the host" hint="its base URL; empty: the usual one of the upstream’s host">
      <input
        id="api"
        name="api"
        aria-describedby="api-hint"
        maxlength={1024}
        value={values?.api ?? ''}
        placeholder="https://git.example.com/api/v1"
        autocomplete="off"
        spellcheck={false}
      />
    </Field>
    <Field
      id="web-url"
      label="Web page"
      hint="of the repository at its host, for links; empty: as a known host’s name implies"
    >
      <input
        id="web-url"
        name="webUrl"
        aria-describedby="web-url-hint"
        maxlength={1024}
        value={values?.webUrl ?? ''}
        placeholder="https://git.example.com/acme/app"
        autocomplete="off"
        spellcheck={false}
      />
    </Field>
  </>
)

const KnownHostsField = ({ value }: { value: string }) => (
  <Field
    id="known-hosts"
    label="Known hosts"
    hint="an SSH upstream’s host keys, as ssh-keyscan prints them; compare them with the keys that the host publishes"
    wide
  >
    <textarea
      id="known-hosts"
      name="knownHosts"
      aria-describedby="known-hosts-hint"
      rows={3}
      spellcheck={false}
      placeholder="github.com ssh-ed25519 AAAA…"
    >
      {value}
    </textarea>
  </Field>
)

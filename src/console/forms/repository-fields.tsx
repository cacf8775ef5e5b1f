import { z } from 'zod'
import type { Identity, Repository } from '../../contract/api.ts'
import { Field } from './field.tsx'
import { sentLines, sentTick } from './form-values.ts'

/** A repository's settings as a form sends them; the admin API says what is wrong with them. */
export const SentRepository = z.object({
  upstream: z.string().trim().default(''),
  identity: z.string().default(''),
  knownHosts: sentLines,
  staleReads: sentTick,
  gitleaksConfig: sentLines,
})
export type SentRepository = z.infer<typeof SentRepository>

/** A repository's settings, to be changed in the form. */
export const settingsOf = ({
  upstream,
  identity,
  knownHosts,
  staleReads,
  gitleaksConfig,
}: Repository): SentRepository => ({ upstream, identity, knownHosts, staleReads, gitleaksConfig })

/** The settings that are not as others would have them, in words. */
export function tellDifferences(settings: SentRepository, others: SentRepository): string[] {
  const words: { [name in keyof SentRepository]: string } = {
    upstream: `upstream: ${settings.upstream}`,
    identity: `identity: ${settings.identity}`,
    knownHosts: `known hosts:\n${settings.knownHosts}`,
    staleReads: `serves fetches from the mirror while the upstream cannot be reached: ${settings.staleReads ? 'yes' : 'no'}`,
    gitleaksConfig: settings.gitleaksConfig
      ? `gitleaks configuration:\n${settings.gitleaksConfig}`
      : 'gitleaks configuration: none',
  }
  return SentRepository.keyof()
    .options.filter(name => settings[name] !== others[name])
    .map(name => words[name])
}

/** The fields of a repository's settings. */
export const RepositoryFields = ({
  identities,
  values,
}: {
  identities: readonly Identity[]
  values: SentRepository | undefined
}) => (
  <>
    <Field id="upstream" label="Upstream" hint="where an accepted push goes on to, over SSH" wide>
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
    <Field id="identity" label="Identity" hint="the SSH key that the upstream sees">
      <select id="identity" name="identity" aria-describedby="identity-hint" required>
        {identities.length === 0 && <option value="">make one first: git gate identity new</option>}
        {identities.map(({ name }) => (
          <option value={name} selected={values?.identity === name}>
            {name}
          </option>
        ))}
      </select>
    </Field>
    <Field
      id="known-hosts"
      label="Known hosts"
      hint="the upstream’s host keys, as ssh-keyscan prints them; compare with what the host publishes"
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
        {values?.knownHosts ?? ''}
      </textarea>
    </Field>
    <label class="check">
      <input type="checkbox" name="staleReads" value="yes" checked={values?.staleReads === true} />
      Serve fetches from the mirror while the upstream cannot be reached
    </label>
    <Field
      id="gitleaks"
      label={
        <>
          gitleaks configuration <span class="quiet">(optional)</span>
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

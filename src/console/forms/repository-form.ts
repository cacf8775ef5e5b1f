import { z } from 'zod'
import type { Repository } from '../../contract/admin-api/repositories.ts'
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
  apiUrl: z.string().trim().default(''),
  webUrl: z.string().trim().default(''),
  staleReads: checkbox,
  readRefs: z.string().trim().default(''),
  gitleaksConfig: multiline,
})
export type RepositoryForm = z.infer<typeof RepositoryForm>

/** Converts a repository's settings to form values. */
export const toForm = ({ name: _, createdAt: __, readRefs, ...settings }: Repository): RepositoryForm => ({
  ...settings,
  readRefs: readRefs.join(' '),
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
    apiUrl: `API of the host: ${settings.apiUrl || 'the usual one'}`,
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

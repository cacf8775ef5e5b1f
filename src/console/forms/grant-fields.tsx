import { ASK_SYNTAX } from '../../contract/ask-text.ts'
import { Action } from '../../contract/grant.ts'
import { HostApiAccess } from '../../contract/hosts/host-call.ts'
import { Field } from './field.tsx'
import type { GrantForm } from './grant-form.ts'
import { LABELS } from './labels.ts'
import { LinesField } from './text-fields.tsx'

/** The fields of a grant. */
export const GrantFields = ({ values }: { values: GrantForm }) => (
  <>
    <LinesField
      id="rules"
      name="rules"
      label={LABELS.rules}
      hint={<RulesHint />}
      rows={5}
      value={values.rules}
    />
    <LinesField
      id="deny-paths"
      name="denyPaths"
      label={LABELS.denyPaths}
      hint="one glob per line"
      placeholder=".github/workflows/**"
      value={values.denyPaths}
    />
    <LinesField
      id="ask"
      name="ask"
      label={LABELS.ask}
      hint={`one rule per line: ${ASK_SYNTAX}; empty: none`}
      placeholder="path:.github/workflows/**"
      value={values.ask}
    />
    <CommitFields values={values} />
    <HostFields values={values} />
    <FileFields values={values} />
  </>
)

/** The fields about authors and signatures of commits. */
const CommitFields = ({ values }: { values: GrantForm }) => (
  <>
    <LinesField
      id="emails"
      name="emails"
      label={LABELS.emails}
      hint="one glob per line, for every author and committer; empty: any address"
      placeholder="*@agents.example.com"
      value={values.emails}
    />
    <LinesField
      id="signers"
      name="allowedSigners"
      label={LABELS.allowedSigners}
      hint="every commit needs a signature by one of these keys: lines of an allowed-signers file, or OpenPGP keys; empty: no signature needed"
      placeholder="ada@example.com ssh-ed25519 AAAA…"
      value={values.allowedSigners}
    />
  </>
)

/** The fields about the repository's host: push options, pull requests, and its API. */
const HostFields = ({ values }: { values: GrantForm }) => (
  <>
    <LinesField
      id="push-options"
      name="pushOptions"
      label={LABELS.pushOptions}
      hint="one pattern per line; * matches any characters; empty: none"
      placeholder="merge_request.*"
      value={values.pushOptions}
    />
    <LinesField
      id="pull-requests"
      name="pullRequests"
      label={LABELS.pullRequests}
      hint="one glob of branches per line, into which the agent may open pull requests; ** is any branch; empty: none"
      placeholder="main"
      value={values.pullRequests}
    />
    <Field
      id="host-api"
      label={LABELS.hostApi}
      hint="the calls of gh and glab that the gate makes for the agent, in this repository"
    >
      <select id="host-api" name="hostApi" aria-describedby="host-api-hint">
        {HostApiAccess.options.map(access => (
          <option value={access} selected={values.hostApi === access}>
            {API_LABELS[access]}
          </option>
        ))}
      </select>
    </Field>
  </>
)

/** The fields about the size and the kind of files. */
const FileFields = ({ values }: { values: GrantForm }) => (
  <>
    <Field id="max-blob" label={LABELS.maxBlobBytes} hint="empty: the limit of the gate">
      <input
        id="max-blob"
        name="maxBlobBytes"
        aria-describedby="max-blob-hint"
        type="number"
        min={1}
        step={1}
        value={values.maxBlobBytes}
      />
    </Field>
    <Checkbox name="symlinks" label="Allow symbolic links" checked={values.symlinks} />
    <Checkbox name="submodules" label="Allow submodules" checked={values.submodules} />
  </>
)

const API_LABELS: Readonly<Record<HostApiAccess, string>> = {
  none: 'no calls',
  read: 'read pull requests and issues',
  write: 'read; open and comment on pull requests',
}

const RulesHint = () => (
  <>
    One rule per line; the first rule that matches the ref and the action decides. No rules: read only. A rule
    is a pattern, then <code>{Action.options.join(', ')}</code>, or <code>not</code> and the denied actions.{' '}
    {'{agent}'} stands for the agent's name. Updating a tag is <code>force</code>.
  </>
)

const Checkbox = ({ name, label, checked }: { name: keyof GrantForm; label: string; checked: boolean }) => (
  <label class="check">
    <input type="checkbox" name={name} value="yes" checked={checked} />
    {label}
  </label>
)

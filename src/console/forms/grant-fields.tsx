import { Action } from '../../contract/grant.ts'
import { Field } from './field.tsx'
import type { TermsForm } from './grant-form.ts'

/** The fields of what an agent may do in a repository. */
export const TermsFields = ({ values }: { values: TermsForm }) => (
  <>
    <Field
      id="rules"
      label="May do"
      hint={
        <>
          One rule per line; the first that matches the ref and the action decides. No rules: read only. A
          pattern, then <code>{Action.options.join(', ')}</code> or <code>not</code> and which of them;{' '}
          {'{agent}'} stands for its name. Moving a tag is <code>force</code>.
        </>
      }
      wide
    >
      <textarea id="rules" name="rules" aria-describedby="rules-hint" rows={5} spellcheck={false}>
        {values.rules}
      </textarea>
    </Field>
    <Field id="deny-paths" label="Paths it must not touch" hint="a glob a line" wide>
      <textarea
        id="deny-paths"
        name="denyPaths"
        aria-describedby="deny-paths-hint"
        rows={2}
        spellcheck={false}
        placeholder=".github/workflows/**"
      >
        {values.denyPaths}
      </textarea>
    </Field>
    <Field
      id="emails"
      label="E-mail addresses of its commits"
      hint="a glob a line, for every author and committer; none: any address"
      wide
    >
      <textarea
        id="emails"
        name="emails"
        aria-describedby="emails-hint"
        rows={2}
        spellcheck={false}
        placeholder="*@agents.example.com"
      >
        {values.emails}
      </textarea>
    </Field>
    <Field
      id="signers"
      label="Allowed signers"
      hint="keys of which one must have signed every commit: lines of an allowed-signers file, or OpenPGP keys; none: commits need no signature"
      wide
    >
      <textarea
        id="signers"
        name="allowedSigners"
        aria-describedby="signers-hint"
        rows={2}
        spellcheck={false}
        placeholder="ada@example.com ssh-ed25519 AAAA…"
      >
        {values.allowedSigners}
      </textarea>
    </Field>
    <Field id="max-blob" label="Largest file, in bytes" hint="none: the gate’s own limit">
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
    <Tick name="symlinks" label="May push symbolic links" ticked={values.symlinks} />
    <Tick name="submodules" label="May push submodules" ticked={values.submodules} />
    <Tick name="pushOptions" label="Push options are passed on to the upstream" ticked={values.pushOptions} />
  </>
)

const Tick = ({ name, label, ticked }: { name: keyof TermsForm; label: string; ticked: boolean }) => (
  <label class="check">
    <input type="checkbox" name={name} value="yes" checked={ticked} />
    {label}
  </label>
)

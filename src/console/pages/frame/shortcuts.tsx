import type { Child } from 'hono/jsx'
import { SECTIONS } from '../../navigation.ts'

/** The help for the keys of browser/shortcuts.js. The browser itself opens and closes it. */
export const Shortcuts = () => (
  <dialog id="shortcuts" popover="auto" aria-labelledby="shortcuts-title">
    <h2 id="shortcuts-title">Keyboard shortcuts</h2>
    <dl>
      <Shortcut keys={['j']}>next entry of the list</Shortcut>
      <Shortcut keys={['k']}>previous entry of the list</Shortcut>
      <Shortcut keys={['Enter']}>open the entry</Shortcut>
      <Shortcut keys={['x']}>select the finding, or clear its selection</Shortcut>
      <Shortcut keys={['/']}>search the pushes</Shortcut>
      {SECTIONS.map(({ name, key }) => (
        <Shortcut keys={['g', key]}>{name}</Shortcut>
      ))}
      <Shortcut keys={['?']}>this help</Shortcut>
      <Shortcut keys={['Esc']}>close this help</Shortcut>
    </dl>
    <label class="check">
      <input type="checkbox" id="shortcuts-on" checked />
      Use the shortcuts of one letter
    </label>
    <p class="actions">
      <button type="button" popovertarget="shortcuts" popovertargetaction="hide">
        Close
      </button>
    </p>
  </dialog>
)

const Shortcut = ({ keys, children }: { keys: readonly string[]; children: Child }) => (
  <div>
    <dt>
      {keys.map((key, index) => (
        <>
          {index > 0 && ' then '}
          <kbd>{key}</kbd>
        </>
      ))}
    </dt>
    <dd>{children}</dd>
  </div>
)

/** Text to take along, with a button that copies it; browser/copy.js makes the button work. */
export const Copy = ({ id, text, label }: { id: string; text: string; label: string }) => (
  <div class="copy">
    <pre id={id}>{text}</pre>
    <button type="button" data-copy={id} hidden>
      Copy<span class="unseen"> {label}</span>
    </button>
  </div>
)

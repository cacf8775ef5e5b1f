/** Text with a copy button, which browser/copy.js shows where the browser has a clipboard. */
export const CopyBox = ({ id, text, label }: { id: string; text: string; label: string }) => (
  <div class="copy">
    <pre id={id}>{text}</pre>
    <button type="button" data-copy={id} hidden>
      Copy<span class="visually-hidden"> {label}</span>
    </button>
  </div>
)

// Shows the copy buttons where the browser lets a page write to the clipboard.
for (const button of document.querySelectorAll('button[data-copy]')) {
  if (!(button instanceof HTMLButtonElement) || !navigator.clipboard) continue
  const label = button.firstChild
  button.hidden = false
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy ?? '')
    await navigator.clipboard.writeText(source?.textContent ?? '')
    if (!label) return
    label.textContent = 'Copied'
    setTimeout(() => {
      label.textContent = 'Copy'
    }, 2_000)
  })
}

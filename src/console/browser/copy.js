// Makes the copy buttons work where the browser lets a page write to the clipboard.
for (const button of document.querySelectorAll('button[data-copy]')) {
  if (!(button instanceof HTMLButtonElement) || !navigator.clipboard) continue
  const words = button.firstChild
  button.hidden = false
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy ?? '')
    await navigator.clipboard.writeText(source?.textContent ?? '')
    if (!words) return
    words.textContent = 'Copied'
    setTimeout(() => {
      words.textContent = 'Copy'
    }, 2_000)
  })
}

// The selection of findings: a box for each group, and the number of those that are selected. Without this script the
// boxes of the findings work.
const selectionStatus = document.getElementById('selected')
const boxes = [...document.querySelectorAll('.selection input[name="finding"]')].filter(
  each => each instanceof HTMLInputElement,
)
const groups = [...document.querySelectorAll('[data-selects]')]

for (const group of groups) {
  const all = group.querySelector('input')
  if (!(group instanceof HTMLElement) || !all) continue
  group.hidden = false
  all.addEventListener('change', () => {
    for (const box of boxesOf(group)) box.checked = all.checked
    showSelection()
  })
}
for (const box of boxes) box.addEventListener('change', showSelection)
if (boxes.some(box => box.checked)) showSelection()

/** @param {Element} group */
function boxesOf(group) {
  const section = group.closest('section')
  return boxes.filter(box => section?.contains(box))
}

function showSelection() {
  const count = boxes.filter(box => box.checked).length
  if (selectionStatus)
    selectionStatus.textContent = count === 1 ? '1 finding is selected.' : `${count} findings are selected.`
  for (const group of groups) {
    const all = group.querySelector('input')
    const inGroup = boxesOf(group)
    if (!all) continue
    all.checked = inGroup.every(box => box.checked)
    all.indeterminate = !all.checked && inGroup.some(box => box.checked)
  }
}

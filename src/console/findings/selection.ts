/** Returns the value of a finding's check box. Names of repositories have no space. */
export const selectionValue = (repository: string, fingerprint: string) => `${repository} ${fingerprint}`

/** Returns the fingerprints of the selected findings by repository. */
export function parseSelection(values: readonly string[]): Map<string, string[]> {
  const selected = new Map<string, string[]>()
  for (const value of values) {
    const space = value.indexOf(' ')
    if (space <= 0) continue
    const repository = value.slice(0, space)
    const fingerprints = selected.get(repository) ?? []
    selected.set(repository, [...fingerprints, value.slice(space + 1)])
  }
  return selected
}

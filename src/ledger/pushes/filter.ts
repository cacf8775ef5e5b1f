/**
 * Returns a WHERE clause of the conditions whose value is defined, and the values to bind. Every `?` in a
 * condition takes the same value.
 */
export function filter(
  conditions: readonly (readonly [condition: string, value: string | number | undefined])[],
) {
  const present = conditions.filter(([, value]) => value !== undefined)
  const clause = present.map(([condition], index) => condition.replaceAll('?', `?${index + 1}`)).join(' AND ')
  return { clause: clause && `WHERE ${clause}`, values: present.map(([, value]) => value) }
}

/** Finds records of a repository without regard to case; of a removed repository, by its exact name. */
export const REPOSITORY_FILTER = 'repository = coalesce((SELECT name FROM repositories WHERE name = ?), ?)'

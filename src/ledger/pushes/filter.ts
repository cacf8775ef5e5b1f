/**
 * The conditions of which a value is given, as a WHERE clause with its values; a condition has one value, which each `?`
 * in it stands for.
 */
export function filter(
  conditions: readonly (readonly [condition: string, value: string | number | undefined])[],
) {
  const given = conditions.filter(([, value]) => value !== undefined)
  const clause = given.map(([condition], index) => condition.replaceAll('?', `?${index + 1}`)).join(' AND ')
  return { clause: clause && `WHERE ${clause}`, values: given.map(([, value]) => value) }
}

/** A repository by any spelling of its name; the record of one that is gone, by the name it had. */
export const REPOSITORY_FILTER = 'repository = coalesce((SELECT name FROM repositories WHERE name = ?), ?)'

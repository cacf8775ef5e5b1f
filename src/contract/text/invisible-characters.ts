/**
 * Matches characters that are invisible or reorder the visible text (bidi controls), except tabs and
 * newlines.
 */
export const INVISIBLE =
  /[^\P{Cc}\t\n]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc]/gu

/** Replaces invisible characters with their code points, such as `\u202e` or `\u{e0041}`. */
export const escapeInvisible = (text: string): string =>
  text.replace(INVISIBLE, character => {
    const code = (character.codePointAt(0) ?? 0).toString(16)
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
  })

/** Returns JSON with every invisible character escaped (RFC 8259, section 7). It parses to the same value. */
export const visibleJson = (value: unknown, space?: number): string =>
  JSON.stringify(value, null, space).replace(INVISIBLE, character =>
    Array.from(
      { length: character.length },
      (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
    ).join(''),
  )

/** What cannot be seen in a text, or would reorder what can; tabs and line ends are not among it. */
export const UNSEEN = /[^\P{Cc}\t\n]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc]/gu

/** A text with what cannot be seen shown as its code point, such as `\u202e` or `\u{e0041}`. */
export const visible = (text: string): string =>
  text.replace(UNSEEN, character => {
    const code = (character.codePointAt(0) ?? 0).toString(16)
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
  })

import type { Place } from './words.ts'

/**
 * Returns the completion for zsh: a file `_git-gate` in fpath, or to be sourced. zsh's own completion of git calls
 * `_git-gate` for `git gate`.
 */
export const zshCompletion = (places: readonly Place[]): string => `#compdef git-gate
_git_gate_words() {
  case $1 in
${places
  .map(
    ({ path, words }) =>
      `    '${path}') reply=(${words.map(({ word, meaning }) => quote(`${word}:${meaning}`)).join(' ')}) ;;`,
  )
  .join('\n')}
    *) return 1 ;;
  esac
}

# The words after an option; none: a file.
_git_gate_values() {
  case $1 in
${places
  .flatMap(({ path, values }) =>
    values.map(({ option, choices = [] }) => `    '${path} ${option}') reply=(${choices.join(' ')}) ;;`),
  )
  .join('\n')}
    *) return 1 ;;
  esac
}

_git-gate() {
  local -a reply
  local at='' word
  for word in $words[2,CURRENT-1]; do
    _git_gate_words "\${at:+$at }$word" && at="\${at:+$at }$word"
  done
  reply=()
  if _git_gate_values "$at $words[CURRENT-1]"; then
    (( $#reply )) && compadd -a reply || _files
    return
  fi
  case $at in
    ${places
      .filter(({ takesFile }) => takesFile)
      .map(({ path }) => `'${path}'`)
      .join('|')}) [[ $PREFIX = -* ]] || { _files; return } ;;
  esac
  _git_gate_words "$at" && _describe 'git gate' reply
}

if [[ $funcstack[1] = _git-gate ]]; then
  _git-gate "$@"
else
  compdef _git-gate git-gate
fi
`

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

import type { Place } from './words.ts'

/**
 * Returns the completion for bash, 3.2 or newer. git's own completion calls `_git_gate` for `git gate`, with the
 * words of the line in `words` and the index of the current one in `cword`.
 */
export const bashCompletion = (places: readonly Place[]): string => `# bash completion of git gate
_git_gate_words() {
  case $1 in
${places.map(({ path, words }) => `    '${path}') echo '${words.map(({ word }) => word).join(' ')}' ;;`).join('\n')}
    *) return 1 ;;
  esac
}

# The words after an option; none: a file.
_git_gate_values() {
  case $1 in
${places
  .flatMap(({ path, values }) =>
    values.map(({ option, choices = [] }) => `    '${path} ${option}') echo '${choices.join(' ')}' ;;`),
  )
  .join('\n')}
    *) return 1 ;;
  esac
}

_git_gate_takes_file() {
  case $1 in
    ${places
      .filter(({ takesFile }) => takesFile)
      .map(({ path }) => `'${path}'`)
      .join(' | ')}) return 0 ;;
    *) return 1 ;;
  esac
}

# Completes the last of the words after "git gate".
_git_gate_complete() {
  local current=\${!#} previous='' at='' found IFS=$' \\t\\n'
  while [ $# -gt 1 ]; do
    previous=$1
    _git_gate_words "\${at:+$at }$1" >/dev/null && at="\${at:+$at }$1"
    shift
  done
  if ! found=$(_git_gate_values "$at $previous"); then
    case $current in
      -*) found=$(_git_gate_words "$at") ;;
      *) _git_gate_takes_file "$at" || found=$(_git_gate_words "$at") ;;
    esac
  fi
  if [ -n "$found" ]; then
    COMPREPLY=($(compgen -W "$found" -- "$current"))
  else
    compopt -o filenames 2>/dev/null
    IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}

_git_gate() {
  _git_gate_complete "\${words[@]:$((\${__git_cmd_idx:-1} + 1)):$((cword - \${__git_cmd_idx:-1}))}"
}

_git_gate_alone() {
  _git_gate_complete "\${COMP_WORDS[@]:1:$COMP_CWORD}"
}
complete -F _git_gate_alone git-gate
`

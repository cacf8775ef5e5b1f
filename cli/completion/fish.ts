import type { Place } from './words.ts'

/** Returns the completion for fish, for `git-gate` and `git gate`. fish's own completion of git names the command in use. */
export const fishCompletion = (places: readonly Place[]): string => `# fish completion of git gate
function __git_gate_words
    switch $argv[1]
${places
  .map(
    ({ path, words }) => `        case '${path}'
            printf '%s\\n' ${words.map(({ word, meaning }) => quote(`${word}\t${meaning}`)).join(' ')}`,
  )
  .join('\n')}
        case '*'
            return 1
    end
end

# The words after an option; none: a file.
function __git_gate_values
    switch $argv[1]
${places
  .flatMap(({ path, values }) =>
    values.map(
      ({ option, choices = [] }) => `        case '${path} ${option}'
            ${choices.length ? `printf '%s\\n' ${choices.join(' ')}` : '__fish_complete_path (commandline -ct)'}`,
    ),
  )
  .join('\n')}
        case '*'
            return 1
    end
end

function __git_gate_complete
    set -l tokens (commandline -opc)
    set -l at ''
    for token in $tokens
        set -l next (string trim -- "$at $token")
        __git_gate_words $next >/dev/null; and set at $next
    end
    __git_gate_values (string trim -- "$at $tokens[-1]"); and return
    switch $at
        case ${places
          .filter(({ takesFile }) => takesFile)
          .map(({ path }) => `'${path}'`)
          .join(' ')}
            __fish_complete_path (commandline -ct)
    end
    __git_gate_words $at
end

complete -c git-gate -f -a '(__git_gate_complete)'
complete -c git -n '__fish_git_using_command gate' -f -a '(__git_gate_complete)'
`

const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

import { Argument } from 'commander'
import { bashCompletion } from '../completion/bash.ts'
import { fishCompletion } from '../completion/fish.ts'
import { placesOf } from '../completion/words.ts'
import { zshCompletion } from '../completion/zsh.ts'
import { printResult } from '../output.ts'
import { command } from './context.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

export const completion = command('completion', "print a shell's completion of git gate, to be sourced")
  .addArgument(new Argument('<shell>').choices(Object.keys(SHELLS)))
  .addHelpText(
    'after',
    `
bash: source <(git gate completion bash)         in ~/.bashrc, after git's own completion
zsh:  source <(git gate completion zsh)          in ~/.zshrc, after compinit
fish: git gate completion fish | source          in ~/.config/fish/config.fish`,
  )
  .action((shell: keyof typeof SHELLS, options) => {
    const script = SHELLS[shell](placesOf(completion.parent ?? completion))
    printResult(options, { script }, () => script.trimEnd())
  })

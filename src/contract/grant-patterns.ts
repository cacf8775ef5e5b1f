import { z } from 'zod'
import { refNameProblem } from './names.ts'

/** Replaces the variable and the wildcards of a glob by a letter: a text that it matches. */
const exampleOf = (glob: string) =>
  glob.replaceAll('{agent}', 'a').replaceAll(/\[[!^]?\]?(?:\[:\w+:\]|[^\]])*\]|\\.|[*?]+/g, 'x')

/** A git glob over full ref names; `{agent}` stands for the agent's name. */
export const RefPattern = z
  .string()
  .min(1)
  .max(512)
  .regex(
    /^refs\/(heads|tags|notes|for)\/\S+$/,
    'a ref pattern starts with refs/heads/, refs/tags/, refs/notes/ or refs/for/, for example refs/heads/{agent}/**',
  )
  .refine(
    pattern => !/[{}]/.test(pattern.replaceAll('{agent}', '')),
    'the only variable of a ref pattern is {agent}',
  )
  .refine(pattern => refNameProblem(exampleOf(pattern)) === undefined, {
    error: issue => `matches no ref: ${refNameProblem(exampleOf(String(issue.input)))}`,
  })

/** A git glob of branches, without `refs/heads/`. */
export const BranchGlob = z
  .string()
  .min(1)
  .max(256)
  .overwrite(glob => glob.replace(/^refs\/heads\//, ''))
  .refine(glob => refNameProblem(`refs/heads/${exampleOf(glob)}`) === undefined, {
    error: issue => `matches no branch: ${refNameProblem(`refs/heads/${exampleOf(String(issue.input))}`)}`,
  })

/** A git glob of paths in a commit. A glob that matches no path would restrict nothing. */
export const PathGlob = z
  .string()
  .min(1)
  .max(512)
  .refine(
    glob => isPath(exampleOf(glob)),
    'matches no path: it has "/" at an end, "//", a part "." or "..", "[" without "]", or "\\" at its end; write docs/** or **/*.env',
  )

const isPath = (example: string) =>
  !/[[\\]/.test(example) && example.split('/').every(part => !['', '.', '..'].includes(part))

/** A glob of whole e-mail addresses. */
export const EmailGlob = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\s<>]*[@*?[][^\s<>]*$/, 'matches no e-mail address; write *@acme.example or ada@acme.example')

/** A pattern of push options. A host acts on an option unseen, for example `ci.skip`, so each is named. */
export const PushOptionPattern = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}]+$/u, 'a push option has no control characters')

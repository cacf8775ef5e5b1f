// Runs main.ts from its bundle.
import { pathToFileURL } from 'node:url'
import { bundledProgram } from '../local/process/bundled-program.ts'

await import(pathToFileURL(await bundledProgram('cli/main.ts')).href)

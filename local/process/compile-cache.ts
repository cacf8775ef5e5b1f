import path from 'node:path'

/**
 * The folder of Node's compile cache. With it, a process of the gate starts without loading the TypeScript compiler.
 * The compiler would stay in memory (23 MB), and every fork copies the page tables of that memory.
 */
export const COMPILE_CACHE = path.join(import.meta.dirname, '../../node_modules/.cache/git-gate')

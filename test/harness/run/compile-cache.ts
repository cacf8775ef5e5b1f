import { COMPILE_CACHE } from '../../../local/process/compile-cache.ts'

/**
 * Lets the processes of the tests share the companion's compile cache: with it, a Node program of the gate starts
 * in half the processor time.
 */
export default function shareCompileCache(): void {
  process.env.NODE_COMPILE_CACHE = COMPILE_CACHE
}

import { z } from 'zod'

/**
 * The secrets that a diff of a push must not show. It is kept beside the objects, which hold the same
 * secrets, and never leaves the companion.
 */
export const DiffMask = z.object({ secrets: z.array(z.string()) })
export type DiffMask = z.infer<typeof DiffMask>

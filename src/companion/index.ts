export { askCompanion } from './ask-companion.ts'
export { Companion } from './durable-object.ts'
export { deleteMirrorSeed } from './mirror-seed.ts'
export { passFor } from './pass.ts'

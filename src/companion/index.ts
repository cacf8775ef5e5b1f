export { askCompanion } from './ask-companion.ts'
export { Companion } from './durable-object.ts'
export { forgetHeadStart } from './mirror-seed.ts'
export { passFor } from './pass.ts'

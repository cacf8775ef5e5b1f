import base from '../../../vitest.config.ts'

/** The configuration of `npm run faults`: the table alone. */
export default { ...base, test: { ...base.test, include: ['test/faults/table/table.ts'] } }

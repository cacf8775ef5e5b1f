import base from '../../../vitest.config.ts'

/** For `npm run faults`: the table alone. */
export default { ...base, test: { ...base.test, include: ['test/faults/table/table.ts'] } }

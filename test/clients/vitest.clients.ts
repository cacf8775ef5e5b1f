import base from '../../vitest.config.ts'

/** The configuration of `npm run clients`: the clients alone. */
export default { ...base, test: { ...base.test, include: ['test/clients/clients.ts'] } }

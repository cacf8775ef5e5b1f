import base from '../../../vitest.config.ts'

/** The configuration of `npm run test:gitea`: the tests against a real Gitea alone. */
export default { ...base, test: { ...base.test, include: ['test/forge/gitea/*.gitea.ts'] } }

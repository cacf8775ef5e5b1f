import { randomBytes } from 'node:crypto'

/** What gitleaks takes for a token of GitHub's; nobody issued it. */
export const madeUpToken = () => `ghp_${randomBytes(27).toString('base64').replaceAll(/[+/=]/g, 'x')}`

import { UsageError } from '../../errors.ts'
import { readText } from '../../options/read-text.ts'
import { localTime, printNote, printResult, table } from '../../output.ts'
import { command, gate, group, removal } from '../context.ts'

const set = command(
  'set <name>',
  'set a credential for HTTPS upstreams; reads its secret from standard input',
)
  .option(
    '--user <user>',
    'user name that the host expects with the token: x-access-token, oauth2, or an account',
  )
  .option(
    '--github-app <id>',
    "the secret is the private key of this GitHub App: the app's id, or its client id",
  )
  .option('--installation <id>', "id of the app's installation")
  .option('--api-url <url>', "GitHub's API, for a GitHub Enterprise Server: https://HOST/api/v3")
  .option('--workflows', 'ask for the right to change .github/workflows')
  .option(
    '--worker-secret',
    "at Cloudflare's edge: the secret is set as a secret of the Worker; reads no standard input",
  )
  .addHelpText(
    'after',
    '\nExamples: git gate credential set gitlab --user oauth2 < token.txt\n          git gate credential set acme --github-app 123456 --installation 7890123 < acme.private-key.pem',
  )
  .action(async (name: string, options) => {
    const { user, githubApp, installation, apiUrl, workflows } = options
    if (githubApp === undefined && [installation, apiUrl, workflows].some(given => given !== undefined))
      throw new UsageError('--installation, --api-url and --workflows belong to --github-app ID')
    if (githubApp !== undefined && installation === undefined)
      throw new UsageError('--github-app needs --installation ID')
    const secret = options.workerSecret ? undefined : readText('-')
    if (secret?.trim() === '')
      throw new UsageError(
        'standard input has no secret',
        `Send it there: git gate credential set ${name} --user USER < token.txt`,
      )
    const credential = await gate().credentials.set(name, {
      ...(user === undefined ? {} : { user }),
      ...(githubApp === undefined
        ? {}
        : {
            app: {
              id: githubApp,
              installation,
              workflows: workflows === true,
              ...(apiUrl ? { apiUrl } : {}),
            },
          }),
      ...(secret === undefined ? {} : { secret }),
    })
    printResult(options, credential, () => `${credential.name} is set`)
    if (!options.json)
      printNote(`Next: git gate repo add NAME --upstream https://… --credential ${credential.name}`)
  })

const list = command('list', 'list credentials, without their secrets').action(async options => {
  const credentials = await gate().credentials.list()
  printResult(options, credentials, () =>
    table(
      'no credentials',
      ['NAME', 'KIND', 'USER', 'CHANGED'],
      credentials.map(({ name, app, user, changedAt }) => [
        name,
        app ? `GitHub App ${app.id}, installation ${app.installation}` : 'token',
        user,
        localTime(changedAt),
      ]),
    ),
  )
})

const remove = removal(
  'remove <name>',
  'remove a credential that no repository uses, and delete its secret from the gate',
).action(async (name: string, options) => {
  const removed = await gate().credentials.remove(name)
  printResult(options, removed, () => `removed ${removed.name}; revoke its token at the host too`)
})

export const credential = group('credential', 'manage the credentials for HTTPS upstreams', set, list, remove)

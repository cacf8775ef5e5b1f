import { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { logError } from '../common/log.ts'
import { Action } from '../contract/grant.ts'
import { checkRef, explainPush, findingStatus, listRepositories, showRepository } from './answers.ts'
import type { Caller } from './caller.ts'
import { openPullRequest, WantedPullRequest } from './pull-requests.ts'
import { approvalStatus, askForException, requestApproval } from './requests.ts'

export { createMcpHandler } from '@modelcontextprotocol/server'

/** Text that tells a model how the tools belong together. */
const INSTRUCTIONS = `git-gate checks each push before it forwards the push to the upstream repository.
Before you push, check_push tells whether a branch and paths are allowed.
After a refused push, explain_push tells the reason and the steps to fix it.
A push that waits for an approval needs nothing from you: the gate forwards it, and approval_status tells the decision.
No tool changes a right or approves. Where a right is missing, tell your operator.`

/** Creates the MCP server of an agent. Each request has a server of its own. */
export function agentTools(caller: Caller): McpServer {
  const server = new McpServer(
    { name: 'git-gate', version: '1' },
    { instructions: INSTRUCTIONS, capabilities: { tools: {} } },
  )
  const readOnly = { readOnlyHint: true, openWorldHint: false }
  server.registerTool(
    'list_repositories',
    { description: 'Lists the repositories that you may read, with their URLs.', annotations: readOnly },
    () => reply(() => listRepositories(caller)),
  )
  server.registerTool(
    'show_grant',
    {
      description: 'Tells what you may push to a repository: refs, actions, paths, sizes, signatures.',
      inputSchema: z.object({ repository }),
      annotations: readOnly,
    },
    ({ repository }) => reply(() => showRepository(caller, repository)),
  )
  server.registerTool(
    'check_push',
    {
      description:
        'Tells before a push whether the grant allows it. Secrets, sizes and signatures are checked only when you push.',
      inputSchema: z.object({
        repository,
        ref: z.string().max(512).describe('a branch such as agent/fix, or a full ref such as refs/tags/v1'),
        action: Action.default('update').describe('force: an update that is not a fast-forward'),
        paths: z.array(z.string().max(4096)).max(1000).default([]).describe('paths that the push changes'),
      }),
      annotations: readOnly,
    },
    args => reply(() => checkRef(caller, args)),
  )
  server.registerTool(
    'explain_push',
    {
      description:
        'Tells the outcome of your push, the reason, and the steps that fix it. Without an id: your latest push.',
      inputSchema: z.object({ push: z.string().max(64).optional(), repository: repository.optional() }),
      annotations: readOnly,
    },
    args => reply(() => explainPush(caller, args)),
  )
  server.registerTool(
    'finding_status',
    {
      description:
        'Tells whether a finding of a refused push is pending, was declined, or passes by an exception.',
      inputSchema: z.object({ repository, fingerprint: z.string().min(1).max(128) }),
      annotations: readOnly,
    },
    args => reply(() => findingStatus(caller, args)),
  )
  addRequests(server, caller)
  return server
}

/** The tools with which an agent asks a person, is told the decision, and opens a pull request. */
function addRequests(server: McpServer, caller: Caller): void {
  server.registerTool(
    'approval_status',
    {
      description:
        'Returns the state of your push that waits for an approval: waiting, forwarded, rejected with a reason, …',
      inputSchema: z.object({ push }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    args => reply(() => approvalStatus(caller, args)),
  )
  server.registerTool(
    'request_approval',
    {
      description: 'Gives the operators your reason for a push that waits for an approval.',
      inputSchema: z.object({ push, reason }),
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
    args => reply(() => requestApproval(caller, args)),
  )
  server.registerTool(
    'request_exception',
    {
      description:
        'Asks the operators to let a finding of your refused push pass because it is no secret, with your reason.',
      inputSchema: z.object({ repository, fingerprint: z.string().min(1).max(128), reason }),
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
    args => reply(() => askForException(caller, args)),
  )
  server.registerTool(
    'open_pull_request',
    {
      description:
        'Opens a pull request (GitLab: merge request) of a branch that upstream has. Returns its URL.',
      inputSchema: WantedPullRequest.extend({ repository }),
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: true,
      },
    },
    args => reply(() => openPullRequest(caller, args)),
  )
}

const push = z.string().max(64).describe('the id of the push, as the refusal names it')
const reason = z.string().trim().min(1).max(2000)

const repository = z.string().min(1).max(512).describe('the name of a repository, without .git')

/** The result of a tool. An error's cause is logged; it may hold words that are not for an agent. */
async function reply(answer: () => Promise<string>) {
  try {
    return { content: [{ type: 'text' as const, text: await answer() }] }
  } catch (error) {
    logError({ at: '/-/mcp' }, error)
    const text = 'the gate failed on this request; try again, and if it happens again, tell the operator'
    return { content: [{ type: 'text' as const, text }], isError: true }
  }
}

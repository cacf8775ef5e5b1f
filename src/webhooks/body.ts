import { approvalPage, pushPage } from '../common/console-links.ts'
import type { PushRecord } from '../contract/admin-api/pushes.ts'
import { claimNotice, type Delivery } from '../ledger/webhooks.ts'
import { discordBody } from './formats/discord.ts'
import { slackBody } from './formats/slack.ts'
import { teamsBody } from './formats/teams.ts'
import { hashOf, noticeOf } from './notice.ts'

const chatBodies = { slack: slackBody, discord: discordBody, teams: teamsBody } as const

/**
 * Returns the body of a delivery. Returns undefined if a chat service is told nothing: the push needs no
 * attention, or another delivery tells the same thing.
 */
export async function bodyOf(env: Env, delivery: Delivery, push: PushRecord): Promise<string | undefined> {
  if (delivery.format === 'json')
    return JSON.stringify({
      type: `push.${push.outcome}`,
      asksForException: push.findings.some(finding => finding.asksForException),
      ...(push.approval ? { approvalPage: approvalPage(env, push.id) } : {}),
      push,
    })
  const notice = noticeOf(push, { approval: approvalPage(env, push.id), push: pushPage(env, push.id) })
  if (notice === undefined) return undefined
  const isFirst = await claimNotice(env.LEDGER, delivery, await hashOf(notice))
  return isFirst ? JSON.stringify(chatBodies[delivery.format](notice)) : undefined
}

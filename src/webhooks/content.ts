import { approvalPage, pushPage } from '../common/console-links.ts'
import type { PushRecord } from '../contract/admin-api/pushes.ts'
import { claimNotice, type Delivery } from '../ledger/webhooks.ts'
import { discordBody } from './formats/discord.ts'
import { emailText, type MailText } from './formats/email.ts'
import { slackBody } from './formats/slack.ts'
import { teamsBody } from './formats/teams.ts'
import { hashOf, noticeOf } from './notice.ts'

const chatBodies = { slack: slackBody, discord: discordBody, teams: teamsBody } as const

/** The content of a delivery: the body of a request, or an e-mail. */
export type Content = { readonly body: string } | { readonly mail: MailText }

/**
 * Returns the content of a delivery. Returns undefined if people are told nothing: the push needs no attention, or
 * another delivery tells the same thing.
 */
export async function contentOf(
  env: Env,
  delivery: Delivery,
  push: PushRecord,
): Promise<Content | undefined> {
  const { format } = delivery
  if (format === 'json')
    return {
      body: JSON.stringify({
        type: `push.${push.outcome}`,
        asksForException: push.findings.some(finding => finding.asksForException),
        ...(push.approval ? { approvalPage: approvalPage(env, push.id) } : {}),
        push,
      }),
    }
  const notice = noticeOf(push, { approval: approvalPage(env, push.id), push: pushPage(env, push.id) })
  if (notice === undefined) return undefined
  const isFirst = await claimNotice(env.LEDGER, delivery, await hashOf(notice))
  if (!isFirst) return undefined
  return format === 'email'
    ? { mail: emailText(notice) }
    : { body: JSON.stringify(chatBodies[format](notice)) }
}

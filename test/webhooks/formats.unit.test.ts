import { expect, test } from 'vitest'
import { z } from 'zod'
import { emptyReport } from '../../container/push/record/push-recorder.ts'
import type { PushRecord } from '../../src/contract/admin-api/pushes.ts'
import type { Finding } from '../../src/contract/outcome.ts'
import { discordBody } from '../../src/webhooks/formats/discord.ts'
import { emailText } from '../../src/webhooks/formats/email.ts'
import { slackBody } from '../../src/webhooks/formats/slack.ts'
import { teamsBody } from '../../src/webhooks/formats/teams.ts'
import { codeSpan, plainLine } from '../../src/webhooks/formats/text.ts'
import { hashOf, type Notice, noticeOf } from '../../src/webhooks/notice.ts'

const pages = { approval: 'https://gate.example/approvals/p1', push: 'https://gate.example/pushes/p1' }
const push = (change: Partial<PushRecord>): PushRecord => ({
  ...emptyReport('p1'),
  repository: 'acme/app',
  agent: 'ada',
  tokenId: 't',
  startedAt: '2026-01-01T00:00:00.000Z',
  outcome: 'refused',
  step: 'secrets',
  refs: [{ ref: 'refs/heads/a', old: '', new: '', status: 'ng', reason: 'git-gate: no answer' }],
  clientAddress: '',
  clientVersion: '',
  ...change,
})
const finding = (change: Partial<Finding> = {}): Finding => ({
  rule: 'generic-api-key',
  path: 'a.txt',
  line: 3,
  commit: 'c',
  fingerprint: 'f',
  excerpt: '',
  asksForException: false,
  ...change,
})
const approval = { change: 'c', asks: ['changes ci.yml'], needed: 1, findings: false, until: 0 }
const noticeFor = (change: Partial<PushRecord>): Notice => {
  const notice = noticeOf(push(change), pages)
  if (!notice) throw new Error('there is no notice')
  return notice
}

test('a notice is about what waits, a secret, a failed forward or a fault, and links its page', () => {
  const about = (change: Partial<PushRecord>) => {
    const { kind, page } = noticeFor(change)
    return [kind, page]
  }
  expect(about({ approval })).toEqual(['approval', pages.approval])
  expect(about({ findings: [finding(), finding({ asksForException: true })] })).toEqual([
    'exception',
    pages.push,
  ])
  expect(about({ findings: [finding()] })).toEqual(['secret', pages.push])
  expect(about({ outcome: 'failed', step: 'forwarding' })).toEqual(['forward', pages.push])
  expect(about({ outcome: 'failed', step: 'secrets' })).toEqual(['fault', pages.push])
})

test('no notice is about a push that upstream has, that its rules refuse, or that its client left', () => {
  expect(noticeOf(push({ outcome: 'accepted', findings: [finding()] }), pages)).toBeUndefined()
  expect(noticeOf(push({}), pages)).toBeUndefined()
  expect(noticeOf(push({ outcome: 'abandoned' }), pages)).toBeUndefined()
})

test('the same findings are the same thing in any push; each approval is a thing of its own', async () => {
  const hash = (change: Partial<PushRecord>) => hashOf(noticeFor(change))
  const [a, b] = [finding({ fingerprint: 'a' }), finding({ fingerprint: 'b' })]
  const first = await hash({ findings: [a, b] })
  expect(await hash({ id: 'p2', agent: 'bob', repository: 'Acme/App', findings: [b, a, a] })).toBe(first)
  expect(await hash({ findings: [a] })).not.toBe(first)
  expect(await hash({ repository: 'acme/other', findings: [a, b] })).not.toBe(first)
  expect(await hash({ findings: [a, { ...b, asksForException: true }] })).not.toBe(first)
  expect(await hash({ approval })).not.toBe(await hash({ id: 'p2', approval }))
  expect(await hash({ outcome: 'failed' })).toBe(await hash({ id: 'p2', outcome: 'failed' }))
})

test('untrusted text becomes one visible line of bounded length, and stays inside of its code span', () => {
  expect(plainLine(' a\n\tb\u202ec\u200bd\ud800 ')).toBe('a bcd')
  expect([...plainLine('😀'.repeat(100_000))]).toHaveLength(200)
  expect(codeSpan('`*a*` @everyone')).toBe("`'*a*' @everyone`")
  expect(codeSpan('\u200b')).toBe('`-`')
})

const hostile = '<!channel> <@U1> @everyone @here & `x` [a](https://evil.example) **b**'
const hostileNotice = noticeFor({
  repository: hostile,
  agent: hostile,
  findings: [finding({ path: hostile, asksForException: true, request: hostile })],
})

test('Slack reads no mention and no formatting in the text of a push', () => {
  const Body = z.object({
    text: z.string(),
    blocks: z.tuple([z.object({ text: z.object({ text: z.string(), verbatim: z.literal(true) }) })]),
  })
  const { text, blocks } = Body.parse(slackBody(hostileNotice))
  const section = blocks[0].text.text
  expect(section.split('\n').at(-1)).toBe(`<${pages.push}|Open in the console>`)
  for (const each of [text, ...section.split('\n').slice(0, -1)]) {
    expect(each).not.toMatch(/[<>]/)
    expect(each.replace(/`[^`]*`/g, '')).toMatch(/^[A-Za-z' :*]+$/)
  }
})

test('Discord mentions no user or role, and reads no formatting in the text of a push', () => {
  const Body = z.object({
    content: z.string(),
    embeds: z.tuple([z.object({ title: z.string(), url: z.string(), description: z.string() })]),
    allowed_mentions: z.object({ parse: z.tuple([]) }),
  })
  const { content, embeds } = Body.parse(discordBody(hostileNotice))
  expect(embeds[0].url).toBe(pages.push)
  for (const each of [content, ...embeds[0].description.split('\n')])
    expect(each.replace(/`[^`]*`/g, '')).toMatch(/^[A-Za-z' :*]+$/)
})

test('Teams shows the text of a push as text runs, which have no Markdown and no functions', () => {
  const notice = noticeFor({ findings: [finding({ path: '{{DATE(2026-01-01)}} **b**' })] })
  const body = JSON.stringify(teamsBody(notice))
  expect(body).not.toContain('{{')
  const Body = z.object({
    attachments: z.tuple([
      z.object({
        content: z.object({
          body: z.array(z.object({ type: z.string(), text: z.string().optional() })),
          actions: z.tuple([z.object({ type: z.literal('Action.OpenUrl'), url: z.string() })]),
        }),
      }),
    ]),
  })
  const { content } = Body.parse(JSON.parse(body)).attachments[0]
  expect(content.body.filter(({ type }) => type !== 'RichTextBlock')).toMatchObject([{ text: notice.title }])
  expect(content.actions[0].url).toBe(pages.push)
})

test('a message about thousands of refs and findings stays within the limit of each service, with its link', () => {
  const long = '&'.repeat(5_000)
  const notice = noticeFor({
    repository: long,
    agent: long,
    refs: Array.from({ length: 5_000 }, () => ({
      ref: long,
      old: '',
      new: '',
      status: 'ng' as const,
      reason: '',
    })),
    findings: Array.from({ length: 5_000 }, () => finding({ path: '😀'.repeat(5_000) })),
  })
  const [slack, discord, teams] = [slackBody, discordBody, teamsBody].map(format =>
    JSON.stringify(format(notice)),
  )
  const sectionOf = z.object({ blocks: z.tuple([z.object({ text: z.object({ text: z.string() }) })]) })
  expect(sectionOf.parse(JSON.parse(slack ?? '')).blocks[0].text.text.length).toBeLessThanOrEqual(3000)
  const embedOf = z.object({ content: z.string(), embeds: z.tuple([z.object({ description: z.string() })]) })
  const message = embedOf.parse(JSON.parse(discord ?? ''))
  expect(message.content.length).toBeLessThanOrEqual(2000)
  expect(message.embeds[0].description.length).toBeLessThanOrEqual(4096)
  expect(Buffer.byteLength(teams ?? '')).toBeLessThan(28_000)
  for (const body of [slack, discord, teams]) expect(body).toContain(pages.push)
})

test('an e-mail has each text of a push on its line, and no URL but that of its page', () => {
  const long = `https://evil.example/\r\n\r\nA push waits for your approval.\n${'x'.repeat(5_000)}`
  const { subject, text } = emailText(
    noticeFor({
      repository: long,
      agent: long,
      findings: [finding({ path: long, asksForException: true, request: long })],
    }),
  )
  expect(subject).toMatch(/^git-gate: A finding waits for your decision: [^\r\n]{1,200}$/)
  expect(text.match(/:\/\/.*/g)).toEqual([pages.push.slice('https'.length)])
  const [title, , ...lines] = text.trim().split('\n')
  expect(title).toBe('A finding waits for your decision.')
  expect(lines.slice(0, -2).every(line => /^[A-Z][\w' ]+: [^\r]{1,220}$/.test(line))).toBe(true)
})

test('without GATE_PUBLIC_URL a message has the path of the page as text', () => {
  const notice = { ...noticeFor({ findings: [finding()] }), page: '/-/console/pushes/p1' }
  for (const format of [slackBody, discordBody, teamsBody]) {
    const body = JSON.stringify(format(notice))
    expect(body).toContain('/-/console/pushes/p1')
    expect(body).not.toMatch(/<\/-|"url"/)
  }
})

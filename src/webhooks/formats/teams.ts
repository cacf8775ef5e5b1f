import type { Notice } from '../notice.ts'
import { isUrl, OPEN, plainLine } from './text.ts'

/** A text run has no Markdown. `{{` begins a function of Adaptive Cards, such as `{{DATE(…)}}`. */
const run = (text: string) => ({ type: 'TextRun', text: text.replace(/\{(?=\{)/g, '{ ') })

/**
 * Returns the body for a workflow of Microsoft Teams: a message with an Adaptive Card. It stays within the 28 KB
 * of a message, since a notice has a bounded number of facts. A mention needs an entity, and the card has none.
 */
export function teamsBody({ title, facts, page }: Notice): object {
  const shown = isUrl(page) ? facts : [...facts, { label: OPEN, text: page }]
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            { type: 'TextBlock', text: title, weight: 'Bolder', wrap: true },
            ...shown.map(({ label, text }) => ({
              type: 'RichTextBlock',
              inlines: [run(`${label}: `), { ...run(plainLine(text)), fontType: 'Monospace' }],
            })),
          ],
          ...(isUrl(page) ? { actions: [{ type: 'Action.OpenUrl', title: OPEN, url: page }] } : {}),
        },
      },
    ],
  }
}

import { expect, test } from 'vitest'
import { type KeywordFile, similarFile } from '../../../container/checks/secrets/gitleaks/similar-file.ts'

const file = (size: number, ...keywords: string[]): KeywordFile => ({ size, keywords: new Set(keywords) })

test('a text joins the file whose rules it needs', () => {
  const files = [file(50_000, 'aws', 'jwt', 'key'), file(50_000, 'key'), file(50_000, 'curl')]
  expect(similarFile(files, new Set(['key']), 2_000)).toBe(files[1])
  expect(similarFile(files, new Set(['aws', 'key']), 2_000)).toBe(files[0])
})

test('a text that other rules read begins a file, unless the texts are short or many files are open', () => {
  const keywords = new Set(Array.from({ length: 20 }, (_, i) => `keyword ${i}`))
  const long = file(50_000, 'key')
  expect(similarFile([], keywords, 10)).toBeUndefined()
  expect(similarFile([long], keywords, 10)).toBeUndefined()
  const short = file(5_000, 'key')
  expect(similarFile([short], keywords, 10)).toBe(short)
  expect(similarFile(Array(8).fill(long), keywords, 10)).toBe(long)
})

import { InvalidArgumentError } from 'commander'

/** Parses the value of --limit. Throws commander's error. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Give a number from 1.')
  return Number(text)
}

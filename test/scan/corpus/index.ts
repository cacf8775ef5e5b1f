import { besideCases } from './beside.ts'
import type { Case } from './case.ts'
import { cleanCases } from './clean.ts'
import { caughtContent } from './content.ts'
import { caughtEncodings, residue as notSeen } from './encodings.ts'
import { caughtHistory } from './history.ts'
import { caughtNames } from './names.ts'
import { caughtWords } from './words.ts'

/** Pushes that bring a secret. */
export const caught: readonly Case[] = [
  ...caughtContent,
  ...caughtEncodings,
  ...caughtHistory,
  ...caughtNames,
  ...caughtWords,
]

/** Pushes that bring no secret. */
export const clean: readonly Case[] = cleanCases

/** Pushes that bring no secret, to an upstream that has some. */
export const beside: readonly Case[] = besideCases

/** Pushes with a secret that no scan decodes; docs/scan.md gives the reasons. */
export const residue: readonly Case[] = notSeen

import { pathOf } from './paths.ts'

/** The entries of the navigation, in order. On narrow pages an entry has only the first word of its name. */
export const SECTIONS = [
  { name: 'Pushes', path: pathOf.pushes, key: 'p' },
  { name: 'Pending findings', path: pathOf.pending, key: 'f' },
  { name: 'Repositories', path: pathOf.repositories, key: 'r' },
  { name: 'Agents', path: pathOf.agents, key: 'a' },
  { name: 'Overview', path: pathOf.overview, key: 'o' },
  { name: 'Settings', path: pathOf.auditLog, key: 's' },
] as const

/** The name of an entry of the navigation. */
export type Section = (typeof SECTIONS)[number]['name']

/** The pages of the section Settings, in order. */
export const SETTINGS_PAGES = [
  { name: 'Audit log', path: pathOf.auditLog },
  { name: 'Identities and credentials', path: pathOf.identities },
  { name: 'Operators', path: pathOf.operators },
  { name: 'Admin tokens', path: pathOf.adminTokens },
  { name: 'Webhooks', path: pathOf.webhooks },
] as const

/** The name of a page of the section Settings. */
export type SettingsPage = (typeof SETTINGS_PAGES)[number]['name']

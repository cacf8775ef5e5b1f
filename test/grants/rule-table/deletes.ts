import { type Row, rejected } from './row.ts'

export const deletes: readonly Row[] = [
  {
    title: 'delete a branch of its own',
    agent: 'own',
    before: { 'refs/heads/own/@': 'one' },
    push: [':refs/heads/own/@'],
    prints: ['- [deleted] own/@'],
    after: {},
  },
  {
    title: 'delete a branch of another agent',
    agent: 'own',
    before: { 'refs/heads/maker/@': 'one' },
    push: [':refs/heads/maker/@'],
    refused: [rejected('maker/@', 'own may delete refs/heads/own/** only')],
  },
  {
    title: 'delete where it may create and update',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'one' },
    push: [':refs/heads/maker/@'],
    refused: [rejected('maker/@', 'maker may delete no ref here')],
  },
  {
    title: 'delete with updates alone',
    agent: 'updater',
    before: { 'refs/heads/@': 'one' },
    push: [':refs/heads/@'],
    refused: [rejected('@', 'updater may delete no ref here')],
  },
  {
    title: 'delete with force alone',
    agent: 'forcer',
    before: { 'refs/heads/@': 'one' },
    push: [':refs/heads/@'],
    refused: [rejected('@', 'forcer may delete no ref here')],
  },
  {
    title: 'delete with deletes alone',
    agent: 'deleter',
    before: { 'refs/heads/@': 'one' },
    push: [':refs/heads/@'],
    prints: ['- [deleted] @'],
    after: {},
  },
]

import { type Row, rejected } from './row.ts'

export const forces: readonly Row[] = [
  {
    title: 'rewind a branch',
    agent: 'own',
    before: { 'refs/heads/own/@': 'two' },
    push: ['+one:refs/heads/own/@'],
    prints: [' one -> own/@ (forced update)'],
    after: { 'refs/heads/own/@': 'one' },
  },
  {
    title: 'replace a branch by one beside it',
    agent: 'own',
    before: { 'refs/heads/own/@': 'one' },
    push: ['+side:refs/heads/own/@'],
    prints: [' side -> own/@ (forced update)'],
    after: { 'refs/heads/own/@': 'side' },
  },
  {
    title: 'replace a branch by one without common history',
    agent: 'own',
    before: { 'refs/heads/own/@': 'one' },
    push: ['+root:refs/heads/own/@'],
    prints: [' root -> own/@ (forced update)'],
    after: { 'refs/heads/own/@': 'root' },
  },
  {
    title: 'rewind a branch where it may update',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'two' },
    push: ['+one:refs/heads/maker/@'],
    refused: [rejected('one -> maker/@', 'maker may force no ref here'), 'Then push again, without --force'],
  },
  {
    title: 'replace a branch where it may update',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'one' },
    push: ['+side:refs/heads/maker/@'],
    refused: [
      rejected('side -> maker/@', 'maker may force no ref here'),
      'git rebase --autostash FETCH_HEAD',
    ],
  },
  {
    title: 'replace a branch with updates alone',
    agent: 'updater',
    before: { 'refs/heads/@': 'side' },
    push: ['+root:refs/heads/@'],
    refused: [rejected('root -> @', 'updater may force no ref here')],
  },
  {
    title: 'replace a branch with force alone',
    agent: 'forcer',
    before: { 'refs/heads/@': 'two' },
    push: ['+side:refs/heads/@'],
    prints: [' side -> @ (forced update)'],
    after: { 'refs/heads/@': 'side' },
  },
  {
    title: 'replace a branch of another agent',
    agent: 'own',
    before: { 'refs/heads/maker/@': 'one' },
    push: ['+side:refs/heads/maker/@'],
    refused: [rejected('side -> maker/@', 'own may update refs/heads/own/** only')],
  },
]

import { type Row, rejected } from './row.ts'

export const creates: readonly Row[] = [
  {
    title: 'create a branch of its own',
    agent: 'own',
    push: ['one:refs/heads/own/@'],
    prints: ['* [new branch] one -> own/@'],
    after: { 'refs/heads/own/@': 'one' },
  },
  {
    title: 'create a branch deeper down',
    agent: 'own',
    push: ['one:refs/heads/own/@/deep/er'],
    prints: ['* [new branch] one -> own/@/deep/er'],
    after: { 'refs/heads/own/@/deep/er': 'one' },
  },
  {
    title: 'create a branch of another agent',
    agent: 'own',
    push: ['one:refs/heads/maker/@'],
    refused: [
      rejected('one -> maker/@', 'own may create refs/heads/own/** only'),
      'remote: git-gate: refused refs/heads/maker/@: own may create refs/heads/own/** only',
      ':refs/heads/own/maker-@',
    ],
  },
  {
    title: 'create a branch whose name only begins like its own',
    agent: 'own',
    push: ['one:refs/heads/owner/@'],
    refused: [rejected('one -> owner/@', 'own may create refs/heads/own/** only')],
  },
  {
    title: 'create its own branch in other capitals',
    agent: 'own',
    push: ['one:refs/heads/Own/@'],
    refused: [rejected('one -> Own/@', 'own may create refs/heads/own/** only')],
  },
  {
    title: 'create a branch without a folder',
    agent: 'own',
    push: ['one:refs/heads/@'],
    refused: [rejected('one -> @', 'own may create refs/heads/own/** only')],
  },
  {
    title: 'create a branch with its name further in',
    agent: 'own',
    push: ['one:refs/heads/x/own/@'],
    refused: [rejected('one -> x/own/@', 'own may create refs/heads/own/** only')],
  },
  {
    title: 'create a branch at what upstream has already',
    agent: 'own',
    push: ['base:refs/heads/own/@'],
    prints: ['* [new branch] base -> own/@'],
    after: { 'refs/heads/own/@': 'base' },
  },
  {
    title: 'create a branch that shares no history',
    agent: 'own',
    push: ['root:refs/heads/own/@'],
    prints: ['* [new branch] root -> own/@'],
    after: { 'refs/heads/own/@': 'root' },
  },
  {
    title: 'create where updates alone are allowed',
    agent: 'updater',
    push: ['one:refs/heads/@'],
    refused: [rejected('one -> @', 'updater may create no ref here')],
  },
  {
    title: 'create where force alone is allowed',
    agent: 'forcer',
    push: ['+one:refs/heads/@'],
    refused: [rejected('one -> @', 'forcer may create no ref here')],
  },
  {
    title: 'create where deletes alone are allowed',
    agent: 'deleter',
    push: ['one:refs/heads/@'],
    refused: [rejected('one -> @', 'deleter may create no ref here')],
  },
  {
    title: 'push anything with a grant to read',
    agent: 'reader',
    push: ['one:refs/heads/reader/@'],
    refused: ['remote: git-gate: reader may read app, not push to it'],
    code: 128,
  },
  {
    title: 'make a branch of a blob',
    agent: 'all',
    push: ['blob:refs/heads/@'],
    refused: [rejected('blob -> @', 'a branch holds commits, this is a blob')],
  },
  {
    title: 'make a branch of a tree',
    agent: 'all',
    push: ['tree:refs/heads/@'],
    refused: [rejected('tree -> @', 'a branch holds commits, this is a tree')],
  },
  {
    title: 'make a branch of a tag object',
    agent: 'all',
    push: ['note:refs/heads/@'],
    refused: [rejected('note -> @', 'a branch holds commits, this is a tag')],
  },
]

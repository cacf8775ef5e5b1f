import { beside, type Row, rejected } from './row.ts'

export const mixed: readonly Row[] = [
  {
    title: 'a branch, an update, a force, a delete and two tags at once',
    agent: 'all',
    before: { 'refs/heads/@/u': 'one', 'refs/heads/@/f': 'one', 'refs/heads/@/d': 'one' },
    push: [
      'one:refs/heads/@/c',
      'two:refs/heads/@/u',
      '+side:refs/heads/@/f',
      ':refs/heads/@/d',
      'one:refs/tags/@-light',
      'note:refs/tags/@-full',
    ],
    prints: [
      '* [new branch] one -> @/c',
      ' two -> @/u',
      ' side -> @/f (forced update)',
      '- [deleted] @/d',
      '* [new tag] one -> @-light',
      '* [new tag] note -> @-full',
    ],
    after: {
      'refs/heads/@/c': 'one',
      'refs/heads/@/u': 'two',
      'refs/heads/@/f': 'side',
      'refs/tags/@-light': 'one',
      'refs/tags/@-full': 'note',
    },
  },
  {
    title: 'one ref of another among many of its own',
    agent: 'own',
    push: [
      'one:refs/heads/own/@/a',
      'two:refs/heads/own/@/b',
      'side:refs/heads/maker/@',
      'side:refs/heads/own/@/c',
    ],
    refused: [
      rejected('side -> maker/@', 'own may create refs/heads/own/** only'),
      beside('one -> own/@/a', 'refs/heads/maker/@', 'own may create refs/heads/own/** only'),
      beside('two -> own/@/b', 'refs/heads/maker/@', 'own may create refs/heads/own/** only'),
      beside('side -> own/@/c', 'refs/heads/maker/@', 'own may create refs/heads/own/** only'),
    ],
  },
  {
    title: 'two refs of others, each with its own reason',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'one' },
    push: ['one:refs/heads/own/@', ':refs/heads/maker/@'],
    refused: [
      rejected('one -> own/@', 'maker may create refs/heads/maker/**, refs/tags/** only'),
      rejected('maker/@', 'maker may delete no ref here'),
    ],
  },
  {
    title: 'a force that history tells, beside a good update',
    agent: 'maker',
    before: { 'refs/heads/maker/@/a': 'one', 'refs/heads/maker/@/b': 'one' },
    push: ['two:refs/heads/maker/@/a', '+side:refs/heads/maker/@/b'],
    refused: [
      beside('two -> maker/@/a', 'refs/heads/maker/@/b', 'maker may force no ref here'),
      rejected('side -> maker/@/b', 'maker may force no ref here'),
    ],
  },
  {
    title: 'a moved tag beside a good branch',
    agent: 'maker',
    before: { 'refs/tags/@': 'one' },
    push: ['two:refs/heads/maker/@', '+two:refs/tags/@'],
    refused: [
      beside('two -> maker/@', 'refs/tags/@', 'maker may force no ref here'),
      rejected('two -> @', 'maker may force no ref here'),
    ],
  },
  {
    title: 'a delete without the right beside a create',
    agent: 'creator',
    before: { 'refs/heads/@/old': 'one' },
    push: ['one:refs/heads/@/new', ':refs/heads/@/old'],
    refused: [
      beside('one -> @/new', 'refs/heads/@/old', 'creator may delete no ref here'),
      rejected('@/old', 'creator may delete no ref here'),
    ],
  },
  {
    title: 'a rename: the new branch and the delete of the old one',
    agent: 'own',
    before: { 'refs/heads/own/@/old': 'two' },
    push: ['two:refs/heads/own/@/new', ':refs/heads/own/@/old'],
    prints: ['* [new branch] two -> own/@/new', '- [deleted] own/@/old'],
    after: { 'refs/heads/own/@/new': 'two' },
  },
]

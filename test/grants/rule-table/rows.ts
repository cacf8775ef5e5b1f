import type { GrantName } from './grants.ts'
import type { ObjectName } from './objects.ts'

type Refs = Readonly<Record<string, ObjectName>>

/** A push, git's output, and upstream's refs afterwards; `@` stands for the row's mark. */
export type Row = {
  readonly what: string
  readonly agent: GrantName
  readonly before?: Refs
  /** The refspecs of `git push`. */
  readonly push: readonly string[]
} & (
  | { readonly prints: readonly string[]; readonly after: Refs }
  /** Upstream is unchanged. */
  | { readonly refused: readonly string[]; readonly code?: number }
)

const NOT_ALONE = 'git-gate: not pushed: another ref of this push was refused'
const beside = (what: string, culprit: string, why: string) =>
  `! [remote rejected] ${what} (${NOT_ALONE}: ${culprit}: ${why})`
const rejected = (what: string, why: string) => `! [remote rejected] ${what} (git-gate: ${why})`

const SETS_MAY =
  'sets may create refs/heads/set/*-[a-c], refs/heads/set/*-[!a-z]x, refs/heads/set/*.[[:digit:]][[:digit:]] only'

const creates: readonly Row[] = [
  {
    what: 'create a branch of its own',
    agent: 'own',
    push: ['one:refs/heads/own/@'],
    prints: ['* [new branch] one -> own/@'],
    after: { 'refs/heads/own/@': 'one' },
  },
  {
    what: 'create a branch deeper down',
    agent: 'own',
    push: ['one:refs/heads/own/@/deep/er'],
    prints: ['* [new branch] one -> own/@/deep/er'],
    after: { 'refs/heads/own/@/deep/er': 'one' },
  },
  {
    what: 'create a branch of another agent',
    agent: 'own',
    push: ['one:refs/heads/maker/@'],
    refused: [
      rejected('one -> maker/@', 'own may create refs/heads/own/** only'),
      'remote: git-gate: refused refs/heads/maker/@: own may create refs/heads/own/** only',
      ':refs/heads/own/maker-@',
    ],
  },
  {
    what: 'create a branch whose name only begins like its own',
    agent: 'own',
    push: ['one:refs/heads/owner/@'],
    refused: [rejected('one -> owner/@', 'own may create refs/heads/own/** only')],
  },
  {
    what: 'create its own branch in other capitals',
    agent: 'own',
    push: ['one:refs/heads/Own/@'],
    refused: [rejected('one -> Own/@', 'own may create refs/heads/own/** only')],
  },
  {
    what: 'create a branch without a folder',
    agent: 'own',
    push: ['one:refs/heads/@'],
    refused: [rejected('one -> @', 'own may create refs/heads/own/** only')],
  },
  {
    what: 'create a branch with its name further in',
    agent: 'own',
    push: ['one:refs/heads/x/own/@'],
    refused: [rejected('one -> x/own/@', 'own may create refs/heads/own/** only')],
  },
  {
    what: 'create a branch at what upstream has already',
    agent: 'own',
    push: ['base:refs/heads/own/@'],
    prints: ['* [new branch] base -> own/@'],
    after: { 'refs/heads/own/@': 'base' },
  },
  {
    what: 'create a branch that shares no history',
    agent: 'own',
    push: ['root:refs/heads/own/@'],
    prints: ['* [new branch] root -> own/@'],
    after: { 'refs/heads/own/@': 'root' },
  },
  {
    what: 'create where updates alone are allowed',
    agent: 'updater',
    push: ['one:refs/heads/@'],
    refused: [rejected('one -> @', 'updater may create no ref here')],
  },
  {
    what: 'create where force alone is allowed',
    agent: 'forcer',
    push: ['+one:refs/heads/@'],
    refused: [rejected('one -> @', 'forcer may create no ref here')],
  },
  {
    what: 'create where deletes alone are allowed',
    agent: 'deleter',
    push: ['one:refs/heads/@'],
    refused: [rejected('one -> @', 'deleter may create no ref here')],
  },
  {
    what: 'push anything with a grant to read',
    agent: 'reader',
    push: ['one:refs/heads/reader/@'],
    refused: ['remote: git-gate: reader may read app, not push to it'],
    code: 128,
  },
  {
    what: 'make a branch of a blob',
    agent: 'all',
    push: ['blob:refs/heads/@'],
    refused: [rejected('blob -> @', 'a branch holds commits, this is a blob')],
  },
  {
    what: 'make a branch of a tree',
    agent: 'all',
    push: ['tree:refs/heads/@'],
    refused: [rejected('tree -> @', 'a branch holds commits, this is a tree')],
  },
  {
    what: 'make a branch of a tag object',
    agent: 'all',
    push: ['note:refs/heads/@'],
    refused: [rejected('note -> @', 'a branch holds commits, this is a tag')],
  },
]

const updates: readonly Row[] = [
  {
    what: 'fast-forward a branch',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'one' },
    push: ['two:refs/heads/maker/@'],
    prints: [' two -> maker/@'],
    after: { 'refs/heads/maker/@': 'two' },
  },
  {
    what: 'fast-forward a branch over a merge',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'side' },
    push: ['merged:refs/heads/maker/@'],
    prints: [' merged -> maker/@'],
    after: { 'refs/heads/maker/@': 'merged' },
  },
  {
    what: 'fast-forward a branch with a needless plus',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'one' },
    push: ['+two:refs/heads/maker/@'],
    prints: [' two -> maker/@'],
    after: { 'refs/heads/maker/@': 'two' },
  },
  {
    what: 'push what is there already',
    agent: 'reader',
    before: { 'refs/heads/@': 'one' },
    push: ['one:refs/heads/@'],
    refused: ['remote: git-gate: reader may read app, not push to it'],
    code: 128,
  },
  {
    what: 'push what is there already, to no effect',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'one' },
    push: ['one:refs/heads/maker/@'],
    prints: ['Everything up-to-date'],
    after: { 'refs/heads/maker/@': 'one' },
  },
  {
    what: 'fast-forward a branch of another agent',
    agent: 'maker',
    before: { 'refs/heads/own/@': 'one' },
    push: ['two:refs/heads/own/@'],
    refused: [
      rejected('two -> own/@', 'maker may update refs/heads/maker/** only'),
      ':refs/heads/maker/own-@',
    ],
  },
  {
    what: 'fast-forward where creating alone is allowed',
    agent: 'creator',
    before: { 'refs/heads/@': 'one' },
    push: ['two:refs/heads/@'],
    refused: [rejected('two -> @', 'creator may update no ref here')],
  },
  {
    what: 'fast-forward where force alone is allowed',
    agent: 'forcer',
    before: { 'refs/heads/@': 'one' },
    push: ['+two:refs/heads/@'],
    refused: [rejected('two -> @', 'forcer may update no ref here')],
  },
  {
    what: 'fast-forward where deletes alone are allowed',
    agent: 'deleter',
    before: { 'refs/heads/@': 'one' },
    push: ['two:refs/heads/@'],
    refused: [rejected('two -> @', 'deleter may update no ref here')],
  },
  {
    what: 'fast-forward with a grant of updates alone',
    agent: 'updater',
    before: { 'refs/heads/@': 'one' },
    push: ['two:refs/heads/@'],
    prints: [' two -> @'],
    after: { 'refs/heads/@': 'two' },
  },
  {
    what: 'set a branch to a blob',
    agent: 'all',
    before: { 'refs/heads/@': 'one' },
    push: ['+blob:refs/heads/@'],
    refused: [rejected('blob -> @', 'a branch holds commits, this is a blob')],
  },
]

const forces: readonly Row[] = [
  {
    what: 'rewind a branch',
    agent: 'own',
    before: { 'refs/heads/own/@': 'two' },
    push: ['+one:refs/heads/own/@'],
    prints: [' one -> own/@ (forced update)'],
    after: { 'refs/heads/own/@': 'one' },
  },
  {
    what: 'replace a branch by one beside it',
    agent: 'own',
    before: { 'refs/heads/own/@': 'one' },
    push: ['+side:refs/heads/own/@'],
    prints: [' side -> own/@ (forced update)'],
    after: { 'refs/heads/own/@': 'side' },
  },
  {
    what: 'replace a branch by one without common history',
    agent: 'own',
    before: { 'refs/heads/own/@': 'one' },
    push: ['+root:refs/heads/own/@'],
    prints: [' root -> own/@ (forced update)'],
    after: { 'refs/heads/own/@': 'root' },
  },
  {
    what: 'rewind a branch where it may update',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'two' },
    push: ['+one:refs/heads/maker/@'],
    refused: [rejected('one -> maker/@', 'maker may force no ref here'), 'Then push again, without --force'],
  },
  {
    what: 'replace a branch where it may update',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'one' },
    push: ['+side:refs/heads/maker/@'],
    refused: [
      rejected('side -> maker/@', 'maker may force no ref here'),
      'git rebase --autostash FETCH_HEAD',
    ],
  },
  {
    what: 'replace a branch with updates alone',
    agent: 'updater',
    before: { 'refs/heads/@': 'side' },
    push: ['+root:refs/heads/@'],
    refused: [rejected('root -> @', 'updater may force no ref here')],
  },
  {
    what: 'replace a branch with force alone',
    agent: 'forcer',
    before: { 'refs/heads/@': 'two' },
    push: ['+side:refs/heads/@'],
    prints: [' side -> @ (forced update)'],
    after: { 'refs/heads/@': 'side' },
  },
  {
    what: 'replace a branch of another agent',
    agent: 'own',
    before: { 'refs/heads/maker/@': 'one' },
    push: ['+side:refs/heads/maker/@'],
    refused: [rejected('side -> maker/@', 'own may update refs/heads/own/** only')],
  },
]

const deletes: readonly Row[] = [
  {
    what: 'delete a branch of its own',
    agent: 'own',
    before: { 'refs/heads/own/@': 'one' },
    push: [':refs/heads/own/@'],
    prints: ['- [deleted] own/@'],
    after: {},
  },
  {
    what: 'delete a branch of another agent',
    agent: 'own',
    before: { 'refs/heads/maker/@': 'one' },
    push: [':refs/heads/maker/@'],
    refused: [rejected('maker/@', 'own may delete refs/heads/own/** only')],
  },
  {
    what: 'delete where it may create and update',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'one' },
    push: [':refs/heads/maker/@'],
    refused: [rejected('maker/@', 'maker may delete no ref here')],
  },
  {
    what: 'delete with updates alone',
    agent: 'updater',
    before: { 'refs/heads/@': 'one' },
    push: [':refs/heads/@'],
    refused: [rejected('@', 'updater may delete no ref here')],
  },
  {
    what: 'delete with force alone',
    agent: 'forcer',
    before: { 'refs/heads/@': 'one' },
    push: [':refs/heads/@'],
    refused: [rejected('@', 'forcer may delete no ref here')],
  },
  {
    what: 'delete with deletes alone',
    agent: 'deleter',
    before: { 'refs/heads/@': 'one' },
    push: [':refs/heads/@'],
    prints: ['- [deleted] @'],
    after: {},
  },
]

const tags: readonly Row[] = [
  {
    what: 'create a lightweight tag',
    agent: 'maker',
    push: ['one:refs/tags/@'],
    prints: ['* [new tag] one -> @'],
    after: { 'refs/tags/@': 'one' },
  },
  {
    what: 'create an annotated tag',
    agent: 'maker',
    push: ['note:refs/tags/@'],
    prints: ['* [new tag] note -> @'],
    after: { 'refs/tags/@': 'note' },
  },
  {
    what: 'create a tag of a tag',
    agent: 'maker',
    push: ['nested:refs/tags/@'],
    prints: ['* [new tag] nested -> @'],
    after: { 'refs/tags/@': 'nested' },
  },
  {
    what: 'create a tag on a blob',
    agent: 'maker',
    push: ['blob:refs/tags/@'],
    prints: ['* [new tag] blob -> @'],
    after: { 'refs/tags/@': 'blob' },
  },
  {
    what: 'create an annotated tag on a blob',
    agent: 'maker',
    push: ['blobnote:refs/tags/@'],
    prints: ['* [new tag] blobnote -> @'],
    after: { 'refs/tags/@': 'blobnote' },
  },
  {
    what: 'create a tag on a tree',
    agent: 'maker',
    push: ['tree:refs/tags/@'],
    prints: ['* [new tag] tree -> @'],
    after: { 'refs/tags/@': 'tree' },
  },
  {
    what: 'create a tag with rights on branches alone',
    agent: 'own',
    push: ['one:refs/tags/own/@'],
    refused: [rejected('one -> own/@', 'own may create refs/heads/own/** only')],
  },
  {
    what: 'move a lightweight tag with the right to create',
    agent: 'maker',
    before: { 'refs/tags/@': 'one' },
    push: ['+two:refs/tags/@'],
    refused: [rejected('two -> @', 'maker may force no ref here'), 'Nothing you can do: tell the operator'],
  },
  {
    what: 'move a tag forward with the right to update',
    agent: 'updater',
    before: { 'refs/tags/@': 'one' },
    push: ['+two:refs/tags/@'],
    refused: [rejected('two -> @', 'updater may force no ref here')],
  },
  {
    what: 'make a lightweight tag an annotated one without force',
    agent: 'updater',
    before: { 'refs/tags/@': 'one' },
    push: ['+note:refs/tags/@'],
    refused: [rejected('note -> @', 'updater may force no ref here')],
  },
  {
    what: 'move a lightweight tag with force',
    agent: 'forcer',
    before: { 'refs/tags/@': 'two' },
    push: ['+one:refs/tags/@'],
    prints: [' one -> @ (forced update)'],
    after: { 'refs/tags/@': 'one' },
  },
  {
    what: 'move an annotated tag with force',
    agent: 'forcer',
    before: { 'refs/tags/@': 'note' },
    push: ['+note2:refs/tags/@'],
    prints: [' note2 -> @ (forced update)'],
    after: { 'refs/tags/@': 'note2' },
  },
  {
    what: 'delete a lightweight tag',
    agent: 'deleter',
    before: { 'refs/tags/@': 'one' },
    push: [':refs/tags/@'],
    prints: ['- [deleted] @'],
    after: {},
  },
  {
    what: 'delete an annotated tag',
    agent: 'deleter',
    before: { 'refs/tags/@': 'note' },
    push: [':refs/tags/@'],
    prints: ['- [deleted] @'],
    after: {},
  },
  {
    what: 'delete a tag with the right to create',
    agent: 'maker',
    before: { 'refs/tags/@': 'note' },
    push: [':refs/tags/@'],
    refused: [rejected('@', 'maker may delete no ref here')],
  },
]

const patterns: readonly Row[] = [
  {
    what: 'a denied name among allowed ones',
    agent: 'guarded',
    push: ['one:refs/heads/@/main'],
    refused: [rejected('one -> @/main', 'guarded may not create refs/heads/**/main')],
  },
  {
    what: 'a name beside the denied one',
    agent: 'guarded',
    push: ['one:refs/heads/@/maine'],
    prints: ['* [new branch] one -> @/maine'],
    after: { 'refs/heads/@/maine': 'one' },
  },
  {
    what: 'force where force and delete are denied first',
    agent: 'guarded',
    before: { 'refs/heads/release/@': 'two' },
    push: ['+side:refs/heads/release/@'],
    refused: [rejected('side -> release/@', 'guarded may not force refs/heads/release/**')],
  },
  {
    what: 'delete where force and delete are denied first',
    agent: 'guarded',
    before: { 'refs/heads/release/@': 'two' },
    push: [':refs/heads/release/@'],
    refused: [rejected('release/@', 'guarded may not delete refs/heads/release/**')],
  },
  {
    what: 'fast-forward where only force and delete are denied first',
    agent: 'guarded',
    before: { 'refs/heads/release/@': 'one' },
    push: ['two:refs/heads/release/@'],
    prints: [' two -> release/@'],
    after: { 'refs/heads/release/@': 'two' },
  },
  {
    what: 'a tag that is denied before all are allowed',
    agent: 'guarded',
    push: ['note:refs/tags/v@'],
    refused: [rejected('note -> v@', 'guarded may not create refs/tags/v*')],
  },
  {
    what: 'a tag that the denied pattern does not reach',
    agent: 'guarded',
    push: ['note:refs/tags/v/@'],
    prints: ['* [new tag] note -> v/@'],
    after: { 'refs/tags/v/@': 'note' },
  },
  {
    what: 'what an earlier rule allows and a later one denies',
    agent: 'late',
    push: ['one:refs/heads/@/main'],
    prints: ['* [new branch] one -> @/main'],
    after: { 'refs/heads/@/main': 'one' },
  },
  {
    what: 'what one rule allows and denies at once',
    agent: 'both',
    before: { 'refs/heads/@': 'one' },
    push: ['two:refs/heads/@'],
    refused: [rejected('two -> @', 'both may not update refs/heads/**')],
  },
  {
    what: 'one star, one level',
    agent: 'star',
    push: ['one:refs/heads/star/@'],
    prints: ['* [new branch] one -> star/@'],
    after: { 'refs/heads/star/@': 'one' },
  },
  {
    what: 'one star, two levels',
    agent: 'star',
    push: ['one:refs/heads/star/@/deep'],
    refused: [rejected('one -> star/@/deep', 'star may create refs/heads/star/*, refs/heads/*/leaf only')],
  },
  {
    what: 'one star in the middle',
    agent: 'star',
    push: ['one:refs/heads/@/leaf'],
    prints: ['* [new branch] one -> @/leaf'],
    after: { 'refs/heads/@/leaf': 'one' },
  },
  {
    what: 'one star in the middle, two levels',
    agent: 'star',
    push: ['one:refs/heads/@/x/leaf'],
    refused: [rejected('one -> @/x/leaf', 'star may create refs/heads/star/*, refs/heads/*/leaf only')],
  },
  {
    what: 'two stars in the middle, no level',
    agent: 'deep',
    push: ['one:refs/heads/deep/leaf-@'],
    refused: [rejected('one -> deep/leaf-@', 'deep may create refs/heads/deep/**/leaf only')],
  },
  {
    what: 'two stars in the middle, three levels',
    agent: 'deep',
    push: ['one:refs/heads/deep/@/x/y/leaf'],
    prints: ['* [new branch] one -> deep/@/x/y/leaf'],
    after: { 'refs/heads/deep/@/x/y/leaf': 'one' },
  },
  {
    what: 'as many characters as question marks',
    agent: 'question',
    push: ['one:refs/heads/q/@'],
    prints: ['* [new branch] one -> q/@'],
    after: { 'refs/heads/q/@': 'one' },
  },
  {
    what: 'one character more than question marks',
    agent: 'question',
    push: ['one:refs/heads/q/@x'],
    refused: [rejected('one -> q/@x', 'question may create refs/heads/q/??? only')],
  },
  {
    what: 'a letter of the set',
    agent: 'sets',
    push: ['one:refs/heads/set/@-b'],
    prints: ['* [new branch] one -> set/@-b'],
    after: { 'refs/heads/set/@-b': 'one' },
  },
  {
    what: 'a letter beside the set',
    agent: 'sets',
    push: ['one:refs/heads/set/@-d'],
    refused: [rejected('one -> set/@-d', SETS_MAY)],
  },
  {
    what: 'a capital of the set',
    agent: 'sets',
    push: ['one:refs/heads/set/@-B'],
    refused: [rejected('one -> set/@-B', SETS_MAY)],
  },
  {
    what: 'what a negated set takes',
    agent: 'sets',
    push: ['one:refs/heads/set/@-7x'],
    prints: ['* [new branch] one -> set/@-7x'],
    after: { 'refs/heads/set/@-7x': 'one' },
  },
  {
    what: 'a slash where a negated set stands',
    agent: 'sets',
    push: ['one:refs/heads/set/@-/x'],
    refused: [rejected('one -> set/@-/x', SETS_MAY)],
  },
  {
    what: 'digits of a class',
    agent: 'sets',
    push: ['one:refs/heads/set/@.42'],
    prints: ['* [new branch] one -> set/@.42'],
    after: { 'refs/heads/set/@.42': 'one' },
  },
  {
    what: 'digits of another script where a class stands',
    agent: 'sets',
    push: ['one:refs/heads/set/@.٤٢'],
    refused: ['sets may create'],
  },
  {
    what: 'the agent inside of a component',
    agent: 'inside',
    push: ['one:refs/heads/@-inside-x'],
    prints: ['* [new branch] one -> @-inside-x'],
    after: { 'refs/heads/@-inside-x': 'one' },
  },
  {
    what: 'another agent inside of a component',
    agent: 'inside',
    push: ['one:refs/heads/@-own-x'],
    refused: [
      rejected('one -> @-own-x', 'inside may create refs/heads/*-inside-*, refs/tags/inside/** only'),
    ],
  },
  {
    what: 'a tag in its own folder',
    agent: 'inside',
    push: ['note:refs/tags/inside/@'],
    prints: ['* [new tag] note -> inside/@'],
    after: { 'refs/tags/inside/@': 'note' },
  },
  {
    what: 'a version',
    agent: 'versions',
    push: ['note:refs/tags/v1.@'],
    prints: ['* [new tag] note -> v1.@'],
    after: { 'refs/tags/v1.@': 'note' },
  },
  {
    what: 'a version without its number',
    agent: 'versions',
    push: ['note:refs/tags/v-@'],
    refused: [rejected('note -> v-@', 'versions may create refs/tags/v[0-9]* only')],
  },
]

const mixed: readonly Row[] = [
  {
    what: 'a branch, an update, a force, a delete and two tags at once',
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
    what: 'one ref of another among many of its own',
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
    what: 'two refs of others, each with its own reason',
    agent: 'maker',
    before: { 'refs/heads/maker/@': 'one' },
    push: ['one:refs/heads/own/@', ':refs/heads/maker/@'],
    refused: [
      rejected('one -> own/@', 'maker may create refs/heads/maker/**, refs/tags/** only'),
      rejected('maker/@', 'maker may delete no ref here'),
    ],
  },
  {
    what: 'a force that history tells, beside a good update',
    agent: 'maker',
    before: { 'refs/heads/maker/@/a': 'one', 'refs/heads/maker/@/b': 'one' },
    push: ['two:refs/heads/maker/@/a', '+side:refs/heads/maker/@/b'],
    refused: [
      beside('two -> maker/@/a', 'refs/heads/maker/@/b', 'maker may force no ref here'),
      rejected('side -> maker/@/b', 'maker may force no ref here'),
    ],
  },
  {
    what: 'a moved tag beside a good branch',
    agent: 'maker',
    before: { 'refs/tags/@': 'one' },
    push: ['two:refs/heads/maker/@', '+two:refs/tags/@'],
    refused: [
      beside('two -> maker/@', 'refs/tags/@', 'maker may force no ref here'),
      rejected('two -> @', 'maker may force no ref here'),
    ],
  },
  {
    what: 'a delete without the right beside a create',
    agent: 'creator',
    before: { 'refs/heads/@/old': 'one' },
    push: ['one:refs/heads/@/new', ':refs/heads/@/old'],
    refused: [
      beside('one -> @/new', 'refs/heads/@/old', 'creator may delete no ref here'),
      rejected('@/old', 'creator may delete no ref here'),
    ],
  },
  {
    what: 'a rename: the new branch and the delete of the old one',
    agent: 'own',
    before: { 'refs/heads/own/@/old': 'two' },
    push: ['two:refs/heads/own/@/new', ':refs/heads/own/@/old'],
    prints: ['* [new branch] two -> own/@/new', '- [deleted] own/@/old'],
    after: { 'refs/heads/own/@/new': 'two' },
  },
]

/** Rules and pushes; a real git tries each. */
export const rows: readonly Row[] = [
  ...creates,
  ...updates,
  ...forces,
  ...deletes,
  ...tags,
  ...patterns,
  ...mixed,
]

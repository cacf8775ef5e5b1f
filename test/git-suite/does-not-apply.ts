const EMPTY_SHA256 =
  'git 2.39 at the gate’s side names no object format for an empty repository before protocol v2'
const HOOKS_WORDS =
  'it compares every line, and the gate adds lines of its own and "git-gate: upstream refused:" to upstream’s reason'
const PACKFILE_URIS =
  'it configures upstream’s git to send packfile URIs; the gate’s mirror sends whole packs'
const MIRROR =
  'its clone has remote-tracking branches, and the gate refuses refs/remotes/** with the command for the rest'
const REFLOG = 'it reads the reflog of an HTTP user at upstream, where the gate’s SSH user has pushed'

const NAMESPACE = 'GIT_NAMESPACE is a setting of git-http-backend; the gate has repositories'

/** Tests of git that fail through a gate, with the reason why they do not apply to it. */
const REASONS: readonly (readonly [script: string, names: RegExp, why: string])[] = [
  ['t5539', /^clone http repository$/, 'its upstream is shallow, which the gate refuses in words'],
  [
    't5539',
    /^no shallow lines after receiving ACK ready$/,
    'it goes on in the clone of that shallow upstream',
  ],
  ['t5541', /^rejected update prints status$/, HOOKS_WORDS],
  ['t5541', /^push --mirror /, MIRROR],
  ['t5541', /reflog$/, REFLOG],
  [
    't5541',
    /^push with post-receive to inspect certificate$/,
    'the gate offers no signed pushes (push-cert)',
  ],
  [
    't5545',
    /^push option denied properly by http server$/,
    'its upstream does not offer push options, and the gate does',
  ],
  ['t5551', /^clone empty SHA-256 repository with protocol v0$/, EMPTY_SHA256],
  ['t5700', /empty SHA-256 repo$/, EMPTY_SHA256],
  [
    't5601',
    /^auto-discover .*bundle/,
    'it configures upstream’s git to advertise bundle URIs; the mirror’s git advertises none',
  ],
  ['t5551', /respects namespace$/, NAMESPACE],
  [
    't5551',
    /^test allowanysha1inwant with unreachable$/,
    'it fetches an object that a push past the gate brought and deleted again: the mirror never had it',
  ],
  [
    't5601',
    /^reject cloning shallow repository using HTTP$/,
    'its upstream is shallow, which the gate refuses in words',
  ],
  ['t5548', /pre-receive hook declined \(HTTP protocol\)$/, HOOKS_WORDS],
  ['t5702', /namespaced repo/, NAMESPACE],
  ['t5702', /packfile.ur|packfile URI|as URI/i, PACKFILE_URIS],
]

/** Returns why a failed test does not apply to a gate; undefined if it applies. */
export const doesNotApply = (script: string, name: string): string | undefined =>
  REASONS.find(([of, names]) => of === script && names.test(name))?.[2]

/**
 * The lines of lock and sum files, of all package managers, that hold a checksum. A line counts by its shape. `H` stands
 * for a digest in hex, `B` for one in base64.
 */
const LINES: readonly RegExp[] = [
  // go.sum: module, version, hash of the module or of its go.mod
  'S+ v\\d\\S*(?:/go\\.mod)? h1:B',
  // .terraform.lock.hcl
  '\\s*"(?:h1:B|zh:H)",?',
  // Subresource integrity: npm, pnpm, yarn, bun, deno, flake.lock
  '.*\\bsha(?:1|256|384|512)-B["\'}\\],\\s]*',
  // A digest after its algorithm: pip, poetry, uv, pdm, Pipfile, Gemfile, Helm, conda
  '.*\\b(?:sha-?(?:1|224|256|384|512)|md5|blake2b|h1|b5|shake256)["\']?\\s{0,3}[:=]{1,2}\\s{0,3}["\']?H["\'})\\],\\s\\\\]*',
  // A digest after a name that says so: Cargo, composer, Package.resolved, flake.lock, pubspec, NuGet, renv, Julia
  '.*["\'\\s{,](?:checksum|integrity|shasum|(?:content|nar|origin|package|lock)?-?_?hash(?:es)?|sha\\d{0,3}|md5|digest|rev(?:ision)?|ref(?:erence)?|commit|tree|git-tree-sha1|sha512|hash_?value|resolved_?hash|cksum)["\']?\\s{0,3}(?:=>|[:=])\\s{0,3}["\']?(?:\\d{1,2}c\\d/)?(?:H|B)["\'})\\],;\\s\\\\]*',
  // Cargo.lock before 2020: "checksum name version (registry)" = "…"
  '"checksum \\S+ \\S+ \\([^)]+\\)" = "H"',
  // Links with the digest of what they lead to, or to a commit
  '.*\\b(?:https?|git(?:\\+\\w+)?|ssh)://[^\\s?]*(?:#|/(?:zipball|tarball|tar\\.gz|archive|commit|tree|blob|raw)/)H["\'\\s,.})/\\]]*',
  // yarn.lock of yarn 2 and later
  '\\s*checksum:? (?:\\d{1,2}c\\d/)?H',
  // mix.lock and rebar.lock
  '\\s*"?[\\w.-]+"?: \\{:(?:hex|git), .*"H".*',
  '\\s*\\{<<"[\\w.-]+">>,\\s*<<"H">>\\}[,\\]\\s]*',
  // conan.lock
  '\\s*"[\\w./+-]+#H(?:%[\\d.]+)?"[,\\s]*',
  // Gradle's verification metadata
  '\\s*<(?:sha\\d{1,3}|md5|pgp|trusted-key|ignored-key|trusting)\\b[^<>]*\\b(?:value|id)="H"[^<>]*/?>',
  // Sums of files, as sha256sum and npm's tools write them
  '\\\\?H [ *]\\S.*',
  '[A-Z0-9-]{2,10} \\([^()]+\\) = H',
  // RECORD of a Python wheel: path, digest without padding, size
  '[^,]+,sha(?:256|384|512)=[A-Za-z0-9_-]{43,86},\\d*',
  // packages.lock.json and project.assets.json of NuGet
  '\\s*"(?:contentHash|sha512)": "B",?',
].map(
  line =>
    new RegExp(
      `^${line
        .replace('S+ v', '\\S+ v')
        .replaceAll(
          'H',
          '(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{56}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})',
        )
        .replaceAll(
          'B',
          '(?:[A-Za-z0-9+/]{27}=|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{86}==|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})',
        )}$`,
    ),
)

/** Returns whether a line is that of a checksum in a lock or sum file. */
export const isChecksumLine = (line: string): boolean => LINES.some(pattern => pattern.test(line))

/** Files in which package names, or words such as `Key`, precede checksums and ids without any other sign. */
const FILES = /(?:^|\/)(?:Podfile\.lock|deno\.lock|[^/]+\.refactorlog)$/i
/** A GUID, or a SHA-1 or SHA-256 digest in hex. */
const CHECKSUM = /^(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i
/** A pod with its checksum; a module's address with its checksum; a rename with its key. */
const FILE_LINE =
  /^(?: {2}["']?[\w.+/-]+["']?: [0-9a-f]{40}|\s*"https?:\/\/[^"]+": "[0-9a-f]{64}",?|\s*<Operation .*)$/i

/** Returns whether a value is a checksum or an id in a file of checksums, in the shape that such a file has. */
export const isChecksumOfFile = (path: string, line: string, value: string): boolean =>
  FILES.test(path) && CHECKSUM.test(value) && FILE_LINE.test(line)

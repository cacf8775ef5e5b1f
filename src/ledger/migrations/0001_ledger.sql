-- Times are Unix milliseconds. The schemas of src/contract parse the JSON columns.
CREATE TABLE identities (
  name TEXT PRIMARY KEY,
  public_key TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE repositories (
  name TEXT PRIMARY KEY COLLATE NOCASE,
  upstream TEXT NOT NULL,
  identity TEXT NOT NULL REFERENCES identities (name),
  known_hosts TEXT NOT NULL,
  stale_reads INTEGER NOT NULL DEFAULT 0,
  gitleaks_config TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agents (name) ON DELETE CASCADE,
  label TEXT NOT NULL DEFAULT '',
  hash TEXT NOT NULL, -- SHA-256 of the whole token, hex
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER
) STRICT;
CREATE INDEX tokens_by_agent ON tokens (agent);

CREATE TABLE grants (
  agent TEXT NOT NULL REFERENCES agents (name) ON DELETE CASCADE,
  repository TEXT NOT NULL COLLATE NOCASE REFERENCES repositories (name) ON DELETE CASCADE,
  terms TEXT NOT NULL, -- JSON: GrantTerms
  PRIMARY KEY (agent, repository)
) STRICT;

CREATE TABLE exceptions (
  id TEXT PRIMARY KEY,
  repository TEXT NOT NULL COLLATE NOCASE REFERENCES repositories (name) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  reason TEXT NOT NULL,
  granted_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  until INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE INDEX exceptions_by_repository ON exceptions (repository);

-- Repository and agent have no foreign key: the record of a push outlives both.
CREATE TABLE pushes (
  id TEXT PRIMARY KEY, -- sorts by time
  repository TEXT NOT NULL,
  agent TEXT NOT NULL,
  token TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  outcome TEXT NOT NULL DEFAULT 'open',
  phase TEXT NOT NULL DEFAULT 'receiving',
  ms INTEGER NOT NULL DEFAULT 0,
  refs TEXT NOT NULL DEFAULT '[]',
  findings TEXT NOT NULL DEFAULT '[]',
  steps TEXT NOT NULL DEFAULT '[]',
  exceptions_used TEXT NOT NULL DEFAULT '[]',
  upstream_said TEXT NOT NULL DEFAULT '',
  told TEXT NOT NULL DEFAULT '[]',
  client_address TEXT NOT NULL DEFAULT '',
  client_version TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX pushes_open ON pushes (started_at) WHERE outcome = 'open';
CREATE INDEX pushes_by_repository ON pushes (repository, id);
CREATE INDEX pushes_by_agent ON pushes (agent, id);
CREATE INDEX pushes_by_outcome ON pushes (outcome, id);

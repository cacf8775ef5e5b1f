-- The tokens of operators.
CREATE TABLE admin_tokens (
  id TEXT PRIMARY KEY,
  label TEXT NOT NULL,
  hash TEXT NOT NULL, -- SHA-256 of the whole token, hex
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER
) STRICT;

-- The audit log. Each row commits in the transaction of its change.
CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  operator TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL -- JSON; never a secret
) STRICT;

CREATE TABLE fetches (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  repository TEXT NOT NULL,
  agent TEXT NOT NULL,
  token TEXT NOT NULL,
  client_address TEXT NOT NULL DEFAULT '',
  client_version TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX pushes_by_time ON pushes (started_at);

-- Findings that operators have declined to let pass.
CREATE TABLE declines (
  repository TEXT NOT NULL COLLATE NOCASE REFERENCES repositories (name) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  declined_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (repository, fingerprint)
) STRICT;

CREATE INDEX pushes_with_findings ON pushes (started_at) WHERE outcome = 'refused' AND findings <> '[]';

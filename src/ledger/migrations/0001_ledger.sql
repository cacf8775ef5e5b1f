-- The ledger. Times are Unix milliseconds; JSON columns are read through the schemas of src/contract.

-- Access: identities, credentials, repositories, agents, their tokens and grants.
CREATE TABLE identities (
  name TEXT PRIMARY KEY,
  public_key TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Credentials for hosts over HTTPS, without their secrets.
CREATE TABLE credentials (
  name TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  app TEXT, -- JSON: GitHubApp; NULL: a token
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

-- Public keys of identities that the gate has registered at hosts.
CREATE TABLE deploy_keys (
  identity TEXT NOT NULL REFERENCES identities (name) ON DELETE CASCADE,
  target TEXT NOT NULL, -- JSON: DeployKeyTarget
  key INTEGER NOT NULL -- its id at the host
) STRICT;
CREATE INDEX deploy_keys_by_identity ON deploy_keys (identity);

CREATE TABLE repositories (
  name TEXT PRIMARY KEY COLLATE NOCASE,
  upstream TEXT NOT NULL,
  identity TEXT REFERENCES identities (name), -- of an SSH upstream
  known_hosts TEXT NOT NULL DEFAULT '', -- of an SSH upstream
  credential TEXT REFERENCES credentials (name), -- of an HTTPS upstream, and for the host's API
  ca TEXT NOT NULL DEFAULT '', -- PEM
  proxy TEXT NOT NULL DEFAULT '',
  forge TEXT, -- github, gitlab or gitea; null: as the upstream's host implies
  api_url TEXT NOT NULL DEFAULT '',
  web_url TEXT NOT NULL DEFAULT '',
  stale_reads INTEGER NOT NULL DEFAULT 0,
  read_refs TEXT NOT NULL DEFAULT '[]', -- JSON: patterns of refs
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

-- A push keeps its repository's and agent's names without a reference: the record outlives them.
CREATE TABLE pushes (
  id TEXT PRIMARY KEY, -- sorts by time
  repository TEXT NOT NULL,
  agent TEXT NOT NULL,
  token_id TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  outcome TEXT NOT NULL DEFAULT 'open',
  step TEXT NOT NULL DEFAULT 'receiving',
  ms INTEGER NOT NULL DEFAULT 0,
  refs TEXT NOT NULL DEFAULT '[]',
  findings TEXT NOT NULL DEFAULT '[]',
  steps TEXT NOT NULL DEFAULT '[]',
  exceptions_used TEXT NOT NULL DEFAULT '[]',
  upstream_output TEXT NOT NULL DEFAULT '',
  remote_lines TEXT NOT NULL DEFAULT '[]',
  client_address TEXT NOT NULL DEFAULT '',
  client_version TEXT NOT NULL DEFAULT '',
  disconnect_reason TEXT, -- the reason of a disconnect before the push's end (contract: DisconnectReason)
  scanned_bytes INTEGER NOT NULL DEFAULT 0, -- bytes that gitleaks was given
  pull_request TEXT, -- JSON: PullRequest
  superseded INTEGER NOT NULL DEFAULT 0, -- 1: a later push brought all refs of this refused push to upstream, without its findings
  lfs_objects TEXT NOT NULL DEFAULT '[]', -- the first LFS pointers that the push introduces
  approval TEXT, -- JSON: ApprovalRequest, of a push that waits for an approval
  -- The row's texts, and about as much as its other columns and its places in indexes; the row of its approval, which
  -- repeats the request, has two reasons, and is deleted with it.
  bytes INTEGER GENERATED ALWAYS AS (
    800 + octet_length(refs) + octet_length(findings) + octet_length(steps) + octet_length(exceptions_used)
      + octet_length(upstream_output) + octet_length(remote_lines) + octet_length(client_version) + octet_length(lfs_objects)
      + coalesce(octet_length(pull_request), 0) + coalesce(2 * octet_length(approval) + 4000, 0)
  ) VIRTUAL
) STRICT;
CREATE INDEX pushes_open ON pushes (started_at) WHERE outcome = 'open';
CREATE INDEX pushes_by_repository ON pushes (repository, id);
CREATE INDEX pushes_by_agent ON pushes (agent, id);
CREATE INDEX pushes_by_outcome ON pushes (outcome, id);
CREATE INDEX pushes_by_time ON pushes (started_at);
CREATE INDEX pushes_with_findings ON pushes (started_at)
  WHERE outcome = 'refused' AND findings <> '[]' AND superseded = 0;

-- A refused push needs no decision once another push has brought all of its refs to upstream.
CREATE TRIGGER supersede_refused AFTER UPDATE OF outcome ON pushes
WHEN OLD.outcome = 'open' AND NEW.outcome = 'accepted'
BEGIN
  UPDATE pushes SET superseded = 1
   WHERE outcome = 'refused' AND findings <> '[]' AND superseded = 0
     AND started_at > NEW.started_at - 2592000000 -- 30 days: PENDING_DAYS
     AND repository = NEW.repository AND id < NEW.id
     AND NOT EXISTS (
       SELECT 1 FROM json_each(pushes.refs) r
        WHERE r.value ->> 'ref' NOT IN (SELECT value ->> 'ref' FROM json_each(NEW.refs)))
     -- A finding that passed by an exception waits again once the exception is revoked.
     AND NOT EXISTS (
       SELECT 1 FROM json_each(pushes.findings) f
        WHERE f.value ->> 'fingerprint' IN (SELECT value ->> 'fingerprint' FROM json_each(NEW.findings)));
END;

-- Pushes that wait for approvals, or have waited.
CREATE TABLE approvals (
  id TEXT PRIMARY KEY, -- the id of the refused push
  repository TEXT NOT NULL COLLATE NOCASE,
  agent TEXT NOT NULL,
  change TEXT NOT NULL, -- identifies the refs with their old and new ids
  asks TEXT NOT NULL, -- JSON: the parts of the push that need an approval
  needed INTEGER NOT NULL, -- the number of operators who have to approve
  findings INTEGER NOT NULL DEFAULT 0, -- 1: the approval grants exceptions for the push's findings
  note TEXT NOT NULL DEFAULT '', -- the agent's reason
  state TEXT NOT NULL DEFAULT 'waiting', -- contract: ApprovalState
  answer TEXT NOT NULL DEFAULT '', -- the reason of a rejection, or why the forward failed
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  decided_at INTEGER,
  forward TEXT, -- the id of the push that forwards it
  attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX approvals_by_state ON approvals (state, expires_at);
CREATE INDEX approvals_by_change ON approvals (agent, change);
CREATE INDEX approvals_by_forward ON approvals (forward) WHERE forward IS NOT NULL;

-- Copies in R2 of pushes that wait. A row outlives its approval until its copy is deleted.
CREATE TABLE held_packs (
  id TEXT PRIMARY KEY, -- the id of the push
  repository TEXT NOT NULL COLLATE NOCASE,
  hash TEXT NOT NULL, -- SHA-256 of the copy, hex
  bytes INTEGER NOT NULL
) STRICT;

-- Without its push an approval can be neither shown nor forwarded.
CREATE TRIGGER forget_approval AFTER DELETE ON pushes
BEGIN
  DELETE FROM approvals WHERE id = OLD.id;
END;

-- An operator's approval. The last approval needed starts the forward.
CREATE TABLE approval_votes (
  approval TEXT NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
  operator TEXT NOT NULL,
  person TEXT NOT NULL, -- the same for each sign-in and token of the operator
  at INTEGER NOT NULL,
  forward TEXT NOT NULL, -- the id for the push that forwards it, if this is the last approval
  PRIMARY KEY (approval, person)
) STRICT;

-- Creates the approval in the transaction that refuses its push.
CREATE TRIGGER ask_approval AFTER UPDATE OF outcome ON pushes
WHEN OLD.outcome = 'open' AND NEW.outcome = 'refused' AND NEW.approval IS NOT NULL
BEGIN
  UPDATE approvals SET state = 'replaced', decided_at = NEW.started_at
   WHERE agent = NEW.agent AND change = NEW.approval ->> 'change' AND repository = NEW.repository AND state = 'waiting';
  INSERT INTO approvals (id, repository, agent, change, asks, needed, findings, created_at, expires_at)
    VALUES (NEW.id, NEW.repository, NEW.agent, NEW.approval ->> 'change', NEW.approval ->> 'asks', NEW.approval ->> 'needed',
      NEW.approval ->> 'findings', NEW.started_at + NEW.ms, NEW.approval ->> 'until');
END;

-- The last approval opens the row of the forward in its own transaction, so that the sweep finds it after a crash.
CREATE TRIGGER approve_push AFTER INSERT ON approval_votes
WHEN (SELECT count(*) FROM approval_votes WHERE approval = NEW.approval)
   = (SELECT needed FROM approvals WHERE id = NEW.approval)
BEGIN
  UPDATE approvals SET state = 'approved', decided_at = NEW.at, forward = NEW.forward, attempts = 1 WHERE id = NEW.approval;
  -- Once upstream has the findings they need no exception.
  INSERT INTO exceptions (id, repository, fingerprint, reason, granted_by, created_at, until)
    SELECT lower(hex(randomblob(10))), p.repository, f.value ->> 'fingerprint', 'approval of push ' || p.id, NEW.operator, NEW.at,
      NEW.at + 86400000
      FROM approvals a JOIN pushes p ON p.id = a.id, json_each(p.findings) f
     WHERE a.id = NEW.approval AND a.findings = 1 AND f.value ->> 'asksForException';
  INSERT INTO pushes (id, repository, agent, token_id, started_at, client_version)
    SELECT NEW.forward, repository, agent, token_id, NEW.at, 'approval of ' || id FROM pushes WHERE id = NEW.approval;
END;

-- A forward that failed by the gate's fault is tried again by the sweep.
CREATE TRIGGER end_approval AFTER UPDATE OF outcome ON pushes
WHEN OLD.outcome = 'open' AND NEW.outcome <> 'open'
BEGIN
  UPDATE approvals SET state = iif(NEW.outcome = 'accepted', 'forwarded', 'failed'),
         answer = iif(NEW.outcome = 'accepted', '', coalesce(NEW.refs ->> '$[0].reason', NEW.remote_lines ->> '$[0]', ''))
   WHERE forward = NEW.id AND state = 'approved' AND (NEW.outcome IN ('accepted', 'refused') OR attempts >= 3);
END;

-- Operators' tokens.
CREATE TABLE admin_tokens (
  id TEXT PRIMARY KEY,
  label TEXT NOT NULL,
  role TEXT NOT NULL, -- viewer, approver, admin
  repository TEXT COLLATE NOCASE REFERENCES repositories (name) ON DELETE CASCADE, -- NULL: the whole gate
  owner TEXT, -- email:ADDRESS or subject:ISSUER#SUBJECT; NULL: the token stands for itself
  hash TEXT NOT NULL, -- SHA-256 of the whole token, hex
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER
) STRICT;

-- Roles of operators who sign in. Without a row there is no role.
CREATE TABLE operator_roles (
  principal TEXT NOT NULL, -- email:ADDRESS, group:NAME or subject:ISSUER#SUBJECT
  role TEXT NOT NULL, -- viewer, approver, admin
  repository TEXT COLLATE NOCASE REFERENCES repositories (name) ON DELETE CASCADE, -- NULL: the whole gate
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX operator_roles_by_principal ON operator_roles (principal, coalesce(repository, ''));

-- Sign-ins by OpenID Connect that have ended: each is good for one session.
CREATE TABLE used_sign_ins (
  state_hash TEXT PRIMARY KEY, -- SHA-256 of the state, hex
  expires_at INTEGER NOT NULL
) STRICT;

-- The audit log of operators' changes. Each row is written in the transaction of its change.
CREATE TABLE audit_log (
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
  token_id TEXT NOT NULL,
  client_address TEXT NOT NULL DEFAULT '',
  client_version TEXT NOT NULL DEFAULT '',
  bytes INTEGER GENERATED ALWAYS AS (300 + octet_length(client_version)) VIRTUAL
) STRICT;
CREATE INDEX fetches_by_time ON fetches (at);
CREATE INDEX fetches_by_agent ON fetches (agent, id);

-- Transfers of LFS objects: an upload has its outcome, a download was granted or not.
CREATE TABLE transfers (
  id TEXT PRIMARY KEY, -- sorts by time
  at INTEGER NOT NULL,
  repository TEXT NOT NULL,
  agent TEXT NOT NULL,
  token_id TEXT NOT NULL,
  operation TEXT NOT NULL, -- upload, download
  oid TEXT NOT NULL,
  size INTEGER NOT NULL,
  outcome TEXT NOT NULL, -- accepted, refused, failed; granted, missing
  reason TEXT NOT NULL DEFAULT '',
  findings TEXT NOT NULL DEFAULT '[]',
  exceptions_used TEXT NOT NULL DEFAULT '[]',
  ms INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER GENERATED ALWAYS AS (
    300 + octet_length(reason) + octet_length(findings) + octet_length(exceptions_used)
  ) VIRTUAL
) STRICT;
CREATE INDEX transfers_by_time ON transfers (at);
CREATE INDEX transfers_by_repository ON transfers (repository, id);
CREATE INDEX transfers_by_object ON transfers (oid, id);
CREATE INDEX transfers_by_agent ON transfers (agent, id);

-- Agents' calls to hosts' APIs. The row of a call is there before the call is made.
CREATE TABLE host_calls (
  id TEXT PRIMARY KEY, -- sorts by time
  at INTEGER NOT NULL,
  repository TEXT NOT NULL,
  agent TEXT NOT NULL,
  token_id TEXT NOT NULL,
  method TEXT NOT NULL,
  operation TEXT NOT NULL DEFAULT '', -- in words; empty: none that the gate knows
  outcome TEXT NOT NULL DEFAULT 'open', -- answered, refused, failed
  status INTEGER, -- of the answer to the agent
  reason TEXT NOT NULL DEFAULT '',
  ms INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER GENERATED ALWAYS AS (300 + octet_length(operation) + octet_length(reason)) VIRTUAL
) STRICT;
CREATE INDEX host_calls_by_time ON host_calls (at);
CREATE INDEX host_calls_by_repository ON host_calls (repository, id);
CREATE INDEX host_calls_by_agent ON host_calls (agent, id);

-- The agent of each LFS lock: upstream knows all locks as the gate's.
CREATE TABLE lfs_locks (
  repository TEXT NOT NULL COLLATE NOCASE REFERENCES repositories (name) ON DELETE CASCADE,
  id TEXT NOT NULL,
  agent TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (repository, id)
) STRICT;

-- An operator's refusal of an exception for a finding.
CREATE TABLE declines (
  repository TEXT NOT NULL COLLATE NOCASE REFERENCES repositories (name) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  declined_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (repository, fingerprint)
) STRICT;

-- Failed authentications: a row for an address and a minute.
CREATE TABLE auth_failures (
  address TEXT NOT NULL,
  minute INTEGER NOT NULL, -- Unix minutes
  count INTEGER NOT NULL,
  PRIMARY KEY (address, minute)
) STRICT;
CREATE INDEX auth_failures_by_time ON auth_failures (minute);

CREATE TABLE webhooks (
  id TEXT PRIMARY KEY, -- its secret is derived from this and the gate's own key
  url TEXT NOT NULL,
  -- 'pushes': every outcome; 'exceptions': pushes with a finding that asks for an exception; 'approvals': pushes
  -- that wait for an approval
  events TEXT NOT NULL,
  format TEXT NOT NULL, -- json; slack, discord, teams: chat services; email
  created_at INTEGER NOT NULL,
  problem TEXT, -- why the last attempt failed; null: it succeeded
  failed_at INTEGER
) STRICT;

-- Deliveries that webhooks still wait for.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  push TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_due ON deliveries (due_at);

-- The last notice of each thing to a chat service or an e-mail address. It suppresses others of the same thing for an hour.
CREATE TABLE notices (
  webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  hash TEXT NOT NULL, -- SHA-256 of kind, repository and subject, hex
  delivery INTEGER NOT NULL, -- the delivery that brings it, whose retries it does not suppress
  at INTEGER NOT NULL,
  PRIMARY KEY (webhook, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_by_time ON notices (at);

-- Deliveries are queued in the transaction that closes a push: none is lost, and no push waits for a webhook.
CREATE TRIGGER tell_webhooks AFTER UPDATE OF outcome ON pushes
WHEN OLD.outcome = 'open' AND NEW.outcome <> 'open'
BEGIN
  INSERT INTO deliveries (webhook, push, due_at)
  SELECT id, NEW.id, 0 FROM webhooks
  WHERE events = 'pushes' AND (format = 'json' OR NEW.outcome IN ('refused', 'failed'))
  OR events = 'exceptions' AND EXISTS (
    SELECT 1 FROM json_each(NEW.findings) WHERE json_extract(value, '$.asksForException')
  ) OR events = 'approvals' AND NEW.outcome = 'refused' AND NEW.approval IS NOT NULL;
END;

-- Counts for the metrics. They stay when the rows that they count are deleted.
CREATE TABLE totals (
  kind TEXT NOT NULL, -- outcome, step, finding, fetch, auth-failure, transfer, host-call
  label TEXT NOT NULL,
  count INTEGER NOT NULL,
  ms REAL NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, label)
) STRICT, WITHOUT ROWID;

-- Histograms of the durations of pushes and of their steps, for the metrics.
CREATE TABLE durations (
  repository TEXT NOT NULL,
  outcome TEXT NOT NULL,
  step TEXT NOT NULL, -- 'push': the whole push
  le INTEGER NOT NULL, -- the upper bound of the bucket in milliseconds; -1: none
  count INTEGER NOT NULL,
  ms REAL NOT NULL,
  PRIMARY KEY (repository, outcome, step, le)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER measure_push AFTER UPDATE OF outcome ON pushes
WHEN OLD.outcome = 'open' AND NEW.outcome <> 'open'
BEGIN
  INSERT INTO durations (repository, outcome, step, le, count, ms)
    SELECT NEW.repository, NEW.outcome, value ->> 'step',
           CASE WHEN value ->> 'ms' <= 50 THEN 50 WHEN value ->> 'ms' <= 100 THEN 100 WHEN value ->> 'ms' <= 250 THEN 250 WHEN value ->> 'ms' <= 500 THEN 500 WHEN value ->> 'ms' <= 1000 THEN 1000 WHEN value ->> 'ms' <= 2500 THEN 2500 WHEN value ->> 'ms' <= 5000 THEN 5000 WHEN value ->> 'ms' <= 10000 THEN 10000 WHEN value ->> 'ms' <= 30000 THEN 30000 WHEN value ->> 'ms' <= 60000 THEN 60000 WHEN value ->> 'ms' <= 300000 THEN 300000 ELSE -1 END,
           count(*), sum(value ->> 'ms')
      FROM json_each(NEW.steps) GROUP BY 3, 4
    ON CONFLICT DO UPDATE SET count = count + excluded.count, ms = ms + excluded.ms;
  INSERT INTO durations (repository, outcome, step, le, count, ms)
    SELECT NEW.repository, NEW.outcome, 'push',
           CASE WHEN NEW.ms <= 50 THEN 50 WHEN NEW.ms <= 100 THEN 100 WHEN NEW.ms <= 250 THEN 250 WHEN NEW.ms <= 500 THEN 500 WHEN NEW.ms <= 1000 THEN 1000 WHEN NEW.ms <= 2500 THEN 2500 WHEN NEW.ms <= 5000 THEN 5000 WHEN NEW.ms <= 10000 THEN 10000 WHEN NEW.ms <= 30000 THEN 30000 WHEN NEW.ms <= 60000 THEN 60000 WHEN NEW.ms <= 300000 THEN 300000 ELSE -1 END, 1, NEW.ms WHERE true
    ON CONFLICT DO UPDATE SET count = count + excluded.count, ms = ms + excluded.ms;
END;

-- A removed repository's histograms go with it.
CREATE TRIGGER forget_durations AFTER DELETE ON repositories
BEGIN
  DELETE FROM durations WHERE repository = OLD.name;
END;

INSERT INTO totals (kind, label, count) VALUES ('fetch', 'all', 0), ('auth-failure', 'all', 0);

CREATE TRIGGER count_push AFTER UPDATE OF outcome ON pushes
WHEN OLD.outcome = 'open' AND NEW.outcome <> 'open'
BEGIN
  INSERT INTO totals (kind, label, count, ms) VALUES ('outcome', NEW.outcome, 1, NEW.ms)
    ON CONFLICT DO UPDATE SET count = count + excluded.count, ms = ms + excluded.ms;
  INSERT INTO totals (kind, label, count, ms)
    SELECT 'step', value ->> 'step', count(*), sum(value ->> 'ms') FROM json_each(NEW.steps) GROUP BY 2
    ON CONFLICT DO UPDATE SET count = count + excluded.count, ms = ms + excluded.ms;
  INSERT INTO totals (kind, label, count)
    SELECT 'finding', value ->> 'rule', count(*) FROM json_each(NEW.findings) GROUP BY 2
    ON CONFLICT DO UPDATE SET count = count + excluded.count;
END;

CREATE TRIGGER count_fetch AFTER INSERT ON fetches
BEGIN
  UPDATE totals SET count = count + 1 WHERE kind = 'fetch';
END;

CREATE TRIGGER count_transfer AFTER INSERT ON transfers
BEGIN
  INSERT INTO totals (kind, label, count, bytes)
    VALUES ('transfer', NEW.operation || ' ' || NEW.outcome, 1, NEW.size)
    ON CONFLICT DO UPDATE SET count = count + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER count_host_call AFTER UPDATE OF outcome ON host_calls
WHEN OLD.outcome = 'open' AND NEW.outcome <> 'open'
BEGIN
  INSERT INTO totals (kind, label, count, ms) VALUES ('host-call', NEW.outcome, 1, NEW.ms)
    ON CONFLICT DO UPDATE SET count = count + 1, ms = ms + excluded.ms;
END;

-- A row of auth_failures is inserted with the first failure of its minute, and updated with each further one.
CREATE TRIGGER count_auth_failure AFTER INSERT ON auth_failures
BEGIN
  UPDATE totals SET count = count + NEW.count WHERE kind = 'auth-failure';
END;
CREATE TRIGGER count_more_auth_failures AFTER UPDATE OF count ON auth_failures
BEGIN
  UPDATE totals SET count = count + NEW.count - OLD.count WHERE kind = 'auth-failure';
END;

-- Bytes of each agent's pushes, fetches, transfers and host calls. D1 does not report how much of its file is free.
CREATE TABLE sizes (
  agent TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER size_new_push AFTER INSERT ON pushes
BEGIN
  INSERT INTO sizes (agent, bytes) VALUES (NEW.agent, NEW.bytes)
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER size_changed_push AFTER UPDATE ON pushes
BEGIN
  UPDATE sizes SET bytes = bytes + NEW.bytes - OLD.bytes WHERE agent = NEW.agent;
END;
CREATE TRIGGER size_forgotten_push AFTER DELETE ON pushes
BEGIN
  UPDATE sizes SET bytes = bytes - OLD.bytes WHERE agent = OLD.agent;
END;
CREATE TRIGGER size_new_fetch AFTER INSERT ON fetches
BEGIN
  INSERT INTO sizes (agent, bytes) VALUES (NEW.agent, NEW.bytes)
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER size_forgotten_fetch AFTER DELETE ON fetches
BEGIN
  UPDATE sizes SET bytes = bytes - OLD.bytes WHERE agent = OLD.agent;
END;

CREATE TRIGGER size_new_transfer AFTER INSERT ON transfers
BEGIN
  INSERT INTO sizes (agent, bytes) VALUES (NEW.agent, NEW.bytes)
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER size_forgotten_transfer AFTER DELETE ON transfers
BEGIN
  UPDATE sizes SET bytes = bytes - OLD.bytes WHERE agent = OLD.agent;
END;

CREATE TRIGGER size_new_host_call AFTER INSERT ON host_calls
BEGIN
  INSERT INTO sizes (agent, bytes) VALUES (NEW.agent, NEW.bytes)
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER size_changed_host_call AFTER UPDATE ON host_calls
BEGIN
  UPDATE sizes SET bytes = bytes + NEW.bytes - OLD.bytes WHERE agent = NEW.agent;
END;
CREATE TRIGGER size_forgotten_host_call AFTER DELETE ON host_calls
BEGIN
  UPDATE sizes SET bytes = bytes - OLD.bytes WHERE agent = OLD.agent;
END;

-- A row that /-/health writes: a full disk still serves reads.
CREATE TABLE probes (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at INTEGER NOT NULL
) STRICT;

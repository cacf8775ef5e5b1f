-- Why a push's session was let go before its end (contract: Reaped); null: it was not.
ALTER TABLE pushes ADD COLUMN reaped TEXT;
-- How much of it gitleaks was given to read.
ALTER TABLE pushes ADD COLUMN scanned_bytes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX fetches_by_agent ON fetches (agent, id);

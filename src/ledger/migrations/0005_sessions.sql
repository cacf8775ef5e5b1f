-- The reason for which a push's session ended early (contract: DisconnectReason); null if it did not.
ALTER TABLE pushes ADD COLUMN reaped TEXT;
-- The number of bytes that gitleaks scanned.
ALTER TABLE pushes ADD COLUMN scanned_bytes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX fetches_by_agent ON fetches (agent, id);

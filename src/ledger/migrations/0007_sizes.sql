-- The estimated size of a row: its texts, and a constant for its other columns and its index entries.
ALTER TABLE pushes ADD COLUMN bytes INTEGER GENERATED ALWAYS AS (
  800 + octet_length(refs) + octet_length(findings) + octet_length(steps) + octet_length(exceptions_used)
    + octet_length(upstream_said) + octet_length(told) + octet_length(client_version)
) VIRTUAL;
ALTER TABLE fetches ADD COLUMN bytes INTEGER GENERATED ALWAYS AS (300 + octet_length(client_version)) VIRTUAL;

-- The size of each agent's pushes and fetches. Triggers maintain it, because D1 does not report its free
-- space.
CREATE TABLE sizes (
  agent TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO sizes (agent, bytes)
  SELECT agent, sum(bytes) FROM (SELECT agent, bytes FROM pushes UNION ALL SELECT agent, bytes FROM fetches)
   GROUP BY agent;

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

-- The health check writes here, because reads still succeed on a full disk.
CREATE TABLE probes (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at INTEGER NOT NULL
) STRICT;

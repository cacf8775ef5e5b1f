-- What a row takes: its texts, and about as much as its other columns and its places in indexes.
ALTER TABLE pushes ADD COLUMN bytes INTEGER GENERATED ALWAYS AS (
  800 + octet_length(refs) + octet_length(findings) + octet_length(steps) + octet_length(exceptions_used)
    + octet_length(upstream_said) + octet_length(told) + octet_length(client_version)
) VIRTUAL;
ALTER TABLE fetches ADD COLUMN bytes INTEGER GENERATED ALWAYS AS (300 + octet_length(client_version)) VIRTUAL;

-- What each agent's pushes and fetches take, added up where it happens: D1 does not tell how much of its file is free.
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

-- Written to find out whether anything can be: on a full disk reading goes on.
CREATE TABLE probes (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at INTEGER NOT NULL
) STRICT;

-- Failed authentications, counted by address and minute.
CREATE TABLE failures (
  address TEXT NOT NULL,
  minute INTEGER NOT NULL, -- Unix minutes
  count INTEGER NOT NULL,
  PRIMARY KEY (address, minute)
) STRICT;
CREATE INDEX failures_by_time ON failures (minute);
CREATE INDEX fetches_by_time ON fetches (at);

CREATE TABLE webhooks (
  id TEXT PRIMARY KEY, -- the webhook's secret is derived from this id and GATE_PASS_KEY
  url TEXT NOT NULL,
  -- 'pushes': every outcome; 'exceptions': pushes with a finding that asks for an exception
  events TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Pending deliveries to webhooks.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  push TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_due ON deliveries (due_at);

-- Queues deliveries in the transaction that settles a push, so that no outcome is lost and no push waits for
-- a webhook.
CREATE TRIGGER tell_webhooks AFTER UPDATE OF outcome ON pushes
WHEN OLD.outcome = 'open' AND NEW.outcome <> 'open'
BEGIN
  INSERT INTO deliveries (webhook, push, due_at)
  SELECT id, NEW.id, 0 FROM webhooks
  WHERE events = 'pushes' OR EXISTS (
    SELECT 1 FROM json_each(NEW.findings) WHERE json_extract(value, '$.asksForException')
  );
END;

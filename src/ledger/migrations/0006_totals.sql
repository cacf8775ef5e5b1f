-- Totals for the metrics. Triggers maintain them, so that they outlive the deletion of the rows.
CREATE TABLE totals (
  kind TEXT NOT NULL, -- outcome, step, finding, fetch, failure
  label TEXT NOT NULL,
  count INTEGER NOT NULL,
  ms REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, label)
) STRICT, WITHOUT ROWID;

INSERT INTO totals (kind, label, count, ms)
  SELECT 'outcome', outcome, count(*), sum(ms) FROM pushes WHERE outcome <> 'open' GROUP BY outcome
  UNION ALL
  SELECT 'step', value ->> 'step', count(*), sum(value ->> 'ms')
    FROM pushes, json_each(steps) WHERE outcome <> 'open' GROUP BY 2
  UNION ALL
  SELECT 'finding', value ->> 'rule', count(*), 0
    FROM pushes, json_each(findings) WHERE outcome <> 'open' AND findings <> '[]' GROUP BY 2
  UNION ALL
  SELECT 'fetch', 'all', count(*), 0 FROM fetches
  UNION ALL
  SELECT 'failure', 'all', coalesce(sum(count), 0), 0 FROM failures;

-- Counts a push in the transaction that settles it, as tell_webhooks does.
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

-- The first failure of an address in a minute inserts a row of failures; each further failure updates the
-- row.
CREATE TRIGGER count_failure AFTER INSERT ON failures
BEGIN
  UPDATE totals SET count = count + NEW.count WHERE kind = 'failure';
END;
CREATE TRIGGER count_failure_again AFTER UPDATE OF count ON failures
BEGIN
  UPDATE totals SET count = count + NEW.count - OLD.count WHERE kind = 'failure';
END;

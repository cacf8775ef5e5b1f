-- What the metrics count, added to where it happens: counts stay when the rows they come from are forgotten.
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

-- In the transaction that settles a push, as what webhooks are to be told.
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

-- A row of failures is one address in one minute: it is begun with its first, and updated with each after that.
CREATE TRIGGER count_failure AFTER INSERT ON failures
BEGIN
  UPDATE totals SET count = count + NEW.count WHERE kind = 'failure';
END;
CREATE TRIGGER count_failure_again AFTER UPDATE OF count ON failures
BEGIN
  UPDATE totals SET count = count + NEW.count - OLD.count WHERE kind = 'failure';
END;

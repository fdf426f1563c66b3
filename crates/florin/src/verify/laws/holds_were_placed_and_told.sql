-- From the side of the holds: each was placed by one event, what was captured of it is what postings
-- of transactions took, and whatever ended was told. The id of a hold stands on the postings of its
-- placing and release.
WITH placed AS (
    SELECT data::jsonb ->> 'hold' AS hold, count(*) AS number
    FROM ledger.events
    WHERE subject LIKE 'ledger.v1.hold.placed.%'
    GROUP BY 1
), ended AS (
    SELECT data::jsonb ->> 'hold' AS hold, count(*) AS number
    FROM ledger.events
    WHERE subject LIKE 'ledger.v1.hold.voided.%' OR subject LIKE 'ledger.v1.hold.expired.%'
    GROUP BY 1
), captured AS (
    SELECT event.data::jsonb ->> 'hold' AS hold, sum(-posting.amount) AS amount
    FROM ledger.postings posting
    JOIN ledger.events event USING (seq)
    WHERE posting.held_change < 0 AND posting.amount < 0
    GROUP BY 1
)
SELECT format('hld_%s: it was placed %s times, ended %s times, and %s was captured; its row is %s with %s',
              replace(id::text, '-', ''), coalesce(placed.number, 0), coalesce(ended.number, 0),
              coalesce(captured.amount, 0), state, hold.captured)
FROM (SELECT *, 'hld_' || replace(id::text, '-', '') AS hold FROM ledger.holds) hold
LEFT JOIN placed USING (hold)
LEFT JOIN ended USING (hold)
LEFT JOIN captured USING (hold)
WHERE coalesce(placed.number, 0) <> 1
   OR coalesce(ended.number, 0) <> (CASE WHEN state IN ('voided', 'expired') THEN 1 ELSE 0 END)
   OR coalesce(captured.amount, 0) <> hold.captured

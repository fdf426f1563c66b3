-- What was taken back of each transaction, from refunds and reversals alone. A refund that was
-- itself undone took nothing back.
WITH reversal AS MATERIALIZED (
    SELECT substring(data FROM '"reverses":"([^"]*)"') AS original,
           substring(data FROM '"transaction":"([^"]*)"') AS id
    FROM ledger.events
    WHERE subject LIKE 'ledger.v1.reversal.posted.%'
), refund AS MATERIALIZED (
    SELECT substring(event.data FROM '"refunds":"([^"]*)"') AS original,
           sum(posting.amount) AS amount
    FROM ledger.events event
    JOIN ledger.postings posting ON posting.seq = event.seq AND posting.amount > 0
    LEFT JOIN reversal ON reversal.original = substring(event.data FROM '"transaction":"([^"]*)"')
    WHERE event.subject LIKE 'ledger.v1.refund.posted.%' AND reversal.id IS NULL
    GROUP BY 1
), told AS (
    SELECT original, coalesce(refund.amount, 0) AS refunded, min(reversal.id) AS reversed_by,
           count(reversal.id) AS reversals
    FROM refund FULL JOIN reversal USING (original)
    GROUP BY original, refund.amount
), held AS (
    SELECT 'txn_' || replace(transaction_id::text, '-', '') AS original, refunded,
           'txn_' || replace(reversed_by::text, '-', '') AS reversed_by
    FROM ledger.corrections
    WHERE refunded > 0 OR reversed_by IS NOT NULL
)
SELECT format('%s: %s paid back and undone by %s is held, the log has %s and %s', original,
              coalesce(held.refunded, 0), coalesce(held.reversed_by, 'nothing'),
              coalesce(told.refunded, 0), coalesce(told.reversed_by, 'nothing'))
FROM told
FULL JOIN held USING (original)
WHERE (told.refunded, told.reversed_by) IS DISTINCT FROM (held.refunded, held.reversed_by)
   OR told.reversals > 1

-- What the worker counted, and what a plain recount gives: the postings of those events that the
-- inbox has, without those that were given up or are still being tried. One statement is one
-- snapshot, so this holds under load.
WITH counted AS (
    SELECT i.done FROM analytics.inbox AS i
), effective AS (
    SELECT e.seq, e.data::jsonb AS d
    FROM ledger.events AS e JOIN counted AS c ON c.done @> e.seq
    WHERE NOT EXISTS (SELECT FROM analytics.dead_letters AS l
                      WHERE l.seq = e.seq AND l.state <> 'replayed')
      AND NOT EXISTS (SELECT FROM analytics.retrying AS r WHERE r.seq = e.seq)
), recounted AS (
    SELECT p.wallet_id, p.currency,
           CASE e.d->>'kind' WHEN 'deposit' THEN 'deposited'
                             WHEN 'withdrawal' THEN 'withdrawn'
                             WHEN 'payment' THEN CASE WHEN p.amount < 0 THEN 'paid' ELSE 'received' END
                             WHEN 'transfer' THEN
                                 CASE WHEN p.amount < 0 THEN 'transferred_out' ELSE 'transferred_in' END
           END AS category,
           count(*) AS count, sum(abs(p.amount)) AS amount
    FROM effective AS e JOIN ledger.postings AS p USING (seq)
    -- Neither fees nor what takes back count; a hold moves nothing.
    WHERE p.account = 'main' AND p.purpose IS NULL AND e.d ? 'transaction'
      AND e.d->>'kind' IN ('deposit', 'withdrawal', 'payment', 'transfer')
    GROUP BY 1, 2, 3
), spans AS (
    SELECT p.wallet_id,
           min((e.d->>'effective_at')::timestamptz) AS first_seen_at,
           max((e.d->>'effective_at')::timestamptz) AS last_activity_at
    FROM effective AS e JOIN ledger.postings AS p USING (seq)
    WHERE p.account = 'main' AND e.d ? 'transaction'
    GROUP BY 1
)
SELECT concat_ws(' ', wallet_id, currency, category, 'counted', t.count, t.amount,
                 'recounted', r.count, r.amount)
FROM analytics.tallies AS t FULL JOIN recounted AS r USING (wallet_id, currency, category)
WHERE (t.count, t.amount) IS DISTINCT FROM (r.count, r.amount)
UNION ALL
SELECT concat_ws(' ', wallet_id, 'seen', a.first_seen_at, a.last_activity_at,
                 'recounted', s.first_seen_at, s.last_activity_at)
FROM analytics.activity AS a FULL JOIN spans AS s USING (wallet_id)
WHERE (a.first_seen_at, a.last_activity_at)
      IS DISTINCT FROM (s.first_seen_at, s.last_activity_at)

-- From the side of the log: the slice's events about a hold, beside its row. A capture is told by the
-- transaction that takes it, and the first leg is the payer's.
WITH event AS MATERIALIZED (
    SELECT seq, posted_at, split_part(subject, '.', 3) AS noun, split_part(subject, '.', 4) AS verb,
           data::jsonb AS data
    FROM ledger.events
    WHERE seq BETWEEN $1 AND $2 AND seq <> ALL ($3)
), said AS (
    SELECT *,
           -- An id that is none finds no hold instead of failing the cast.
           CASE WHEN data ->> 'hold' ~ '^hld_[0-9a-f]{32}$'
                THEN right(data ->> 'hold', 32)::uuid END AS id,
           CASE WHEN data ->> 'captured' ~ '^[0-9]+([.][0-9]+)?$'
                THEN (data ->> 'captured')::numeric END AS captured
    FROM event
    WHERE data ? 'hold' AND verb IN ('posted', 'placed', 'voided', 'expired')
), differing AS (
    SELECT said.seq, said.data ->> 'hold' AS hold,
           CASE WHEN hold.id IS NULL THEN 'there is no such hold'
                WHEN said.noun = 'hold' AND said.verb = 'placed'
                     AND (hold.wallet_id, hold.kind, hold.currency, hold.amount, hold.expires_at,
                          hold.placed_at, hold.counterparty_id)
                         IS DISTINCT FROM
                         (right(said.data ->> 'wallet', 32)::uuid, said.data ->> 'kind',
                          said.data ->> 'currency', (said.data ->> 'amount')::numeric,
                          (said.data ->> 'expires_at')::timestamptz, said.posted_at,
                          right(said.data ->> 'counterparty', 32)::uuid)
                THEN 'it was placed otherwise'
                WHEN said.noun = 'hold' AND said.verb <> 'placed'
                     AND (hold.state, hold.captured) IS DISTINCT FROM (said.verb, said.captured)
                THEN format('it ended %s with %s captured, the hold is %s with %s', said.verb,
                            said.captured, hold.state, hold.captured)
                WHEN said.noun <> 'hold' AND said.data #>> '{hold_left,state}' = 'captured'
                     AND hold.state <> 'captured'
                THEN format('it was captured for the last time, the hold is %s', hold.state)
           END AS fault
    FROM said
    LEFT JOIN ledger.holds hold USING (id)
)
SELECT format('event %s about %s: %s', seq, hold, fault)
FROM differing
WHERE fault IS NOT NULL

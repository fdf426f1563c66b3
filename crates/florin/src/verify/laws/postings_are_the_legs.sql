-- Both ways, each leg as often as it stands there. What is no number cannot be equal to one.
WITH event AS MATERIALIZED (
    SELECT seq, data::jsonb AS data
    FROM ledger.events
    WHERE seq BETWEEN $1 AND $2 AND seq <> ALL ($3)
), said AS (
    -- A hold that is placed or released changes what is held: its postings have the hold's id.
    SELECT event.seq,
           CASE WHEN event.data ->> 'transaction' LIKE 'txn\_%' THEN substr(event.data ->> 'transaction', 5)
                WHEN event.data ->> 'hold' LIKE 'hld\_%' THEN substr(event.data ->> 'hold', 5)
           END AS transaction,
           leg ->> 'wallet' AS wallet,
           leg ->> 'account' AS account, leg ->> 'currency' AS currency,
           CASE WHEN leg ->> 'amount' ~ '^-?[0-9]+([.][0-9]+)?$'
                THEN (leg ->> 'amount')::numeric END AS amount,
           CASE WHEN leg ->> 'balance_after' ~ '^-?[0-9]+([.][0-9]+)?$'
                THEN (leg ->> 'balance_after')::numeric END AS balance_after,
           leg ->> 'version' AS version,
           CASE WHEN NOT leg ? 'held' THEN 0
                WHEN leg ->> 'held' ~ '^-?[0-9]+([.][0-9]+)?$' THEN (leg ->> 'held')::numeric
           END AS held,
           CASE WHEN leg ->> 'held_after' ~ '^[0-9]+([.][0-9]+)?$'
                THEN (leg ->> 'held_after')::numeric END AS held_after,
           leg ->> 'purpose' AS purpose
    FROM event
    CROSS JOIN jsonb_path_query(event.data, '$.legs[*]') AS leg
), stored AS (
    SELECT posting.seq, replace(posting.transaction_id::text, '-', ''),
           CASE WHEN wallet.kind <> 'system' THEN 'wal_' || replace(wallet.id::text, '-', '') END,
           posting.account, posting.currency, posting.amount,
           CASE WHEN wallet.kind <> 'system' THEN posting.balance_after END,
           CASE WHEN wallet.kind <> 'system' THEN posting.version::text END,
           posting.held_change,
           CASE WHEN posting.held_change <> 0 THEN posting.held_after END,
           posting.purpose
    FROM ledger.postings posting
    JOIN ledger.wallets wallet ON wallet.id = posting.wallet_id
    WHERE posting.seq BETWEEN $1 AND $2 AND posting.seq <> ALL ($3)
), differing AS (
    SELECT 'the data has a leg that is no posting' AS fault, only_said.*
    FROM (SELECT * FROM said EXCEPT ALL SELECT * FROM stored) only_said
    UNION ALL
    SELECT 'there is a posting that is no leg of the data', only_stored.*
    FROM (SELECT * FROM stored EXCEPT ALL SELECT * FROM said) only_stored
)
SELECT format('event %s: %s: %s %s%s on %s of %s, then %s at version %s', seq, fault, amount,
              currency, ' as ' || purpose, account, coalesce(wallet, 'the system'), coalesce(balance_after::text, 'unsaid'),
              coalesce(version, 'unsaid'))
FROM differing
UNION ALL
SELECT format('event %s is posted and has fewer than two legs', seq)
FROM event
WHERE data ->> 'type' LIKE '%.posted.v1' AND jsonb_array_length(
    CASE jsonb_typeof(data -> 'legs') WHEN 'array' THEN data -> 'legs' ELSE '[]' END) < 2

-- The postings of a balance in order of version: each adds its change to what was held before, and
-- the balance holds what the last one left.
WITH link AS (
    SELECT wallet_id, account, currency, version, held_after,
           sum(held_change) OVER (PARTITION BY wallet_id, account, currency ORDER BY version) AS held
    FROM ledger.postings
), total AS (
    SELECT wallet_id, account, currency, sum(held_change) AS held
    FROM ledger.postings
    GROUP BY wallet_id, account, currency
), differing AS (
    SELECT wallet_id, account, currency,
           format('version %s leaves %s held, the changes make %s', version, held_after, held) AS fault
    FROM link
    WHERE held_after <> held
    UNION ALL
    SELECT wallet_id, account, currency,
           format('%s is held, the changes make %s', balance.held, coalesce(total.held, 0))
    FROM ledger.balances balance
    LEFT JOIN total USING (wallet_id, account, currency)
    WHERE balance.held <> coalesce(total.held, 0)
)
SELECT format('%s of wal_%s in %s: %s', account, replace(wallet_id::text, '-', ''), currency, fault)
FROM differing

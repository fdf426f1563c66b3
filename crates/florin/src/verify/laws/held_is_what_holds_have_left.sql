-- Both ways: what is held without a hold, and a hold without what it holds.
WITH kept AS (
    SELECT wallet_id, 'main' AS account, currency, sum(amount - captured) AS amount
    FROM ledger.holds
    WHERE state = 'open'
    GROUP BY wallet_id, currency
), changed AS (
    SELECT wallet_id, account, currency, sum(held_change) AS amount
    FROM ledger.postings
    GROUP BY wallet_id, account, currency
)
SELECT format('%s of wal_%s in %s: %s is held, its open holds have %s left, its postings make %s',
              account, replace(wallet_id::text, '-', ''), currency, coalesce(balance.held, 0),
              coalesce(kept.amount, 0), coalesce(changed.amount, 0))
FROM ledger.balances balance
FULL JOIN kept USING (wallet_id, account, currency)
FULL JOIN changed USING (wallet_id, account, currency)
WHERE coalesce(balance.held, 0) <> coalesce(kept.amount, 0)
   OR coalesce(balance.held, 0) <> coalesce(changed.amount, 0)

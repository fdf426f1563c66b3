WITH moved AS (
    SELECT wallet_id, account, currency, sum(amount) AS amount
    FROM ledger.postings
    GROUP BY wallet_id, account, currency
)
SELECT format('%s of wal_%s in %s: the balance is %s, its postings sum to %s',
              account, replace(wallet_id::text, '-', ''), currency,
              coalesce(balance.posted::text, 'missing'), coalesce(moved.amount, 0))
FROM ledger.balances balance
FULL JOIN moved USING (wallet_id, account, currency)
WHERE balance.posted IS DISTINCT FROM coalesce(moved.amount, 0)

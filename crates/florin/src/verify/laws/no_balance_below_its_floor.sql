SELECT format('%s of wal_%s in %s: %s less %s held is below %s',
              account, replace(wallet_id::text, '-', ''), currency, posted, held, -credit_limit)
FROM ledger.balances
WHERE posted - held < -credit_limit
UNION ALL
SELECT format('%s of wal_%s in %s: %s is held', account, replace(wallet_id::text, '-', ''),
              currency, held)
FROM ledger.balances
WHERE held < 0
UNION ALL
-- A wallet's own money always has a floor; only the system's accounts have none.
SELECT format('main of wal_%s in %s has no floor', replace(wallet_id::text, '-', ''), currency)
FROM ledger.balances
WHERE account = 'main' AND credit_limit IS NULL

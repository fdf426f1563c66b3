-- What a wallet may not do, and how far it may go below zero, is what the last event about it says.
-- Bits: 1 frozen, 2 blocked, 4 suspended, 8 closed; 16, on balances, this currency frozen.
WITH change AS MATERIALIZED (
    SELECT seq, split_part(subject, '.', 3) AS noun, split_part(subject, '.', 4) AS verb,
           data::jsonb AS data
    FROM ledger.events
    WHERE split_part(subject, '.', 3) IN ('wallet', 'credit_limit', 'account')
      AND split_part(subject, '.', 4) <> 'created'
), switched AS (
    SELECT DISTINCT ON (wallet, currency, bit) wallet, currency, bit, is_on
    FROM (SELECT seq, data ->> 'wallet' AS wallet, data ->> 'currency' AS currency,
                 CASE WHEN verb IN ('frozen', 'unfrozen')
                      THEN CASE WHEN data ? 'currency' THEN 16 ELSE 1 END
                      WHEN verb IN ('blocked', 'unblocked') THEN 2
                      WHEN verb = 'closed' THEN 8 END AS bit,
                 verb IN ('frozen', 'blocked', 'closed') AS is_on
          FROM change WHERE noun = 'wallet') one
    ORDER BY wallet, currency, bit, seq DESC
), restricted AS (
    SELECT wallet, currency, sum(bit) FILTER (WHERE is_on) AS bits
    FROM switched
    GROUP BY wallet, currency
), limited AS (
    SELECT DISTINCT ON (1, 2) data ->> 'wallet' AS wallet, data ->> 'currency' AS currency,
           data ->> 'credit_limit' AS credit_limit
    FROM change
    WHERE noun = 'credit_limit'
    ORDER BY 1, 2, seq DESC
), own AS MATERIALIZED (
    SELECT *, 'wal_' || replace(id::text, '-', '') AS name
    FROM ledger.wallets
    WHERE kind <> 'system'
      -- Changes of an account change its wallets.
      AND owner NOT IN (SELECT data ->> 'owner' FROM change
                        WHERE noun = 'account' AND data ? 'owner')
)
SELECT format('%s has the restrictions %s and is %s, the events say %s', own.name,
              own.restrictions, own.status, coalesce(restricted.bits, 0))
FROM own
LEFT JOIN restricted ON restricted.wallet = own.name AND restricted.currency IS NULL
WHERE own.restrictions & 11 <> coalesce(restricted.bits, 0)
   OR own.status <> CASE WHEN own.restrictions & 8 <> 0 THEN 'closed'
                         WHEN own.restrictions & 2 <> 0 THEN 'blocked'
                         WHEN own.restrictions & 4 <> 0 THEN 'suspended'
                         WHEN own.restrictions & 1 <> 0 THEN 'frozen' ELSE 'active' END
UNION ALL
SELECT format('main of %s in %s has the restrictions %s, its wallet %s, and the events say %s',
              own.name, balance.currency, balance.restrictions, own.restrictions,
              coalesce(restricted.bits, 0))
FROM ledger.balances balance
JOIN own ON own.id = balance.wallet_id
LEFT JOIN restricted ON restricted.wallet = own.name AND restricted.currency = balance.currency
WHERE balance.restrictions & 15 <> own.restrictions & 15
   OR balance.restrictions & 16 <> coalesce(restricted.bits, 0)
UNION ALL
SELECT format('main of %s in %s may go %s below zero, the events say %s', own.name,
              balance.currency, balance.credit_limit, coalesce(limited.credit_limit, '0'))
FROM ledger.balances balance
JOIN own ON own.id = balance.wallet_id
LEFT JOIN limited ON limited.wallet = own.name AND limited.currency = balance.currency
WHERE balance.account = 'main'
  AND balance.credit_limit IS DISTINCT FROM coalesce(limited.credit_limit, '0')::numeric
UNION ALL
-- The system's own balances are restricted by nobody and have no floor.
SELECT format('%s of wal_%s in %s has the restrictions %s and the floor %s, the system''s have none',
              balance.account, replace(wallet.id::text, '-', ''), balance.currency,
              balance.restrictions, coalesce(balance.credit_limit::text, 'none'))
FROM ledger.balances balance
JOIN ledger.wallets wallet ON wallet.id = balance.wallet_id
WHERE wallet.kind = 'system'
  AND (balance.restrictions <> 0 OR balance.credit_limit IS NOT NULL)

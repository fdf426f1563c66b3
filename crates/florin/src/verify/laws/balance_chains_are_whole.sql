-- The postings of a balance in order of version: 1, 2, 3, … to the balance's own version, each
-- adding its amount, and its change of what is held, to what the one before left, and none earlier
-- in the log: a transaction and its fee may change one balance twice.
WITH link AS (
    SELECT wallet_id, account, currency, version, seq, amount, balance_after, held_change, held_after,
           lag(version, 1, 0::bigint) OVER chain AS version_before,
           lag(balance_after, 1, 0::numeric) OVER chain AS balance_before,
           lag(held_after, 1, 0::numeric) OVER chain AS held_before,
           lag(seq, 1, 0::bigint) OVER chain AS seq_before
    FROM ledger.postings
    WINDOW chain AS (PARTITION BY wallet_id, account, currency ORDER BY version)
), last AS (
    SELECT wallet_id, account, currency, max(version) AS version
    FROM ledger.postings
    GROUP BY wallet_id, account, currency
), broken AS (
    SELECT wallet_id, account, currency,
           CASE WHEN version <> version_before + 1
                THEN format('version %s follows version %s', version, version_before)
                WHEN balance_after <> balance_before + amount
                THEN format('version %s: %s and %s make %s, not %s', version, balance_before,
                            amount, balance_before + amount, balance_after)
                WHEN held_after <> held_before + held_change
                THEN format('version %s: %s held after a change of %s to %s', version, held_after,
                            held_change, held_before)
                ELSE format('version %s (event %s) is written before version %s (event %s)',
                            version, seq, version_before, seq_before)
           END AS fault
    FROM link
    WHERE version <> version_before + 1
       OR balance_after <> balance_before + amount
       OR held_after <> held_before + held_change
       OR seq < seq_before
    UNION ALL
    SELECT wallet_id, account, currency,
           format('the balance is at version %s, its last posting at %s', balance.version,
                  coalesce(last.version, 0))
    FROM ledger.balances balance
    LEFT JOIN last USING (wallet_id, account, currency)
    WHERE balance.version <> coalesce(last.version, 0)
)
SELECT format('%s of wal_%s in %s: %s', account, replace(wallet_id::text, '-', ''), currency, fault)
FROM broken

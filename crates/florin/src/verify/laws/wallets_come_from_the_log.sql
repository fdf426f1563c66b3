SELECT format('there are %s wallets, the log opened %s', wallets, opened)
FROM (SELECT count(*) AS wallets FROM ledger.wallets WHERE kind <> 'system') there
CROSS JOIN (
    SELECT count(*) AS opened
    FROM ledger.events
    WHERE subject LIKE 'ledger.v1.wallet.created.%'
) log
WHERE wallets <> opened
UNION ALL
-- The system's own come from no event: there are sixteen, one for each shard, and they stay as
-- they were made.
SELECT format('the system''s wal_%s is %s', coalesce(replace(wallet.id::text, '-', ''), made.id),
              CASE WHEN wallet.id IS NULL THEN 'missing'
                   WHEN made.id IS NULL THEN 'one too many' ELSE 'changed' END)
FROM (SELECT * FROM ledger.wallets WHERE kind = 'system') wallet
FULL JOIN (SELECT '00000000000070008000' || lpad(to_hex(shard), 12, '0') AS id
           FROM generate_series(0, 15) AS shard) made
     ON made.id = replace(wallet.id::text, '-', '')
WHERE made.id IS NULL
   OR (wallet.owner, wallet.status, wallet.restrictions, wallet.reference, wallet.category,
       wallet.metadata, wallet.created_at)
      IS DISTINCT FROM ('florin', 'active', 0, NULL, NULL, '{}', timestamptz '1970-01-01 00:00:00Z')

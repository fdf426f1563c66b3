SELECT format('there are %s wallets, the log opened %s', wallets, opened)
FROM (SELECT count(*) AS wallets FROM ledger.wallets WHERE kind <> 'system') there
CROSS JOIN (
    SELECT count(*) AS opened
    FROM ledger.events
    WHERE subject LIKE 'ledger.v1.wallet.created.%'
) log
WHERE wallets <> opened

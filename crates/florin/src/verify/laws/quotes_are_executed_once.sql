WITH exchanged AS (
    SELECT e.seq, p.transaction_id, p.wallet_id, p.currency, p.amount
    FROM ledger.events e
    JOIN ledger.postings p ON p.seq = e.seq
    WHERE e.subject LIKE 'ledger.v1.exchange.posted.%' AND p.account = 'main'
), told AS (
    SELECT DISTINCT seq, transaction_id FROM exchanged
), promised AS (
    SELECT 'qte_' || replace(id::text, '-', '') AS name, * FROM ledger.quotes
)
SELECT format('event %s is an exchange by no quote', t.seq)
FROM told t
LEFT JOIN promised q ON q.transaction_id = t.transaction_id
WHERE q.id IS NULL
UNION ALL
SELECT format('quote %s was executed, and no event tells of it', q.name)
FROM promised q
LEFT JOIN told t ON t.transaction_id = q.transaction_id
WHERE q.transaction_id IS NOT NULL AND t.seq IS NULL
UNION ALL
SELECT format('event %s moves %s %s and %s %s, quote %s promised %s and %s', t.seq,
              coalesce(o.amount, 0), q.from_currency, coalesce(i.amount, 0), q.to_currency,
              q.name, -q.from_amount, q.to_amount)
FROM promised q
JOIN told t ON t.transaction_id = q.transaction_id
LEFT JOIN exchanged o ON o.transaction_id = q.transaction_id AND o.wallet_id = q.wallet_id
                     AND o.currency = q.from_currency
LEFT JOIN exchanged i ON i.transaction_id = q.transaction_id AND i.wallet_id = q.wallet_id
                     AND i.currency = q.to_currency
WHERE o.amount IS DISTINCT FROM -q.from_amount OR i.amount IS DISTINCT FROM q.to_amount
UNION ALL
SELECT format('there are %s quotes, the log gave %s', quotes, given)
FROM (SELECT count(*) AS quotes FROM ledger.quotes) there
CROSS JOIN (
    SELECT count(*) AS given
    FROM ledger.events
    WHERE subject LIKE 'ledger.v1.quote.created.%'
) log
WHERE quotes <> given

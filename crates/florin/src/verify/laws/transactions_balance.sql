SELECT format('transaction %s: its postings in %s sum to %s', seq, currency, sum(amount))
FROM ledger.postings
WHERE seq BETWEEN $1 AND $2
GROUP BY seq, currency
HAVING sum(amount) <> 0

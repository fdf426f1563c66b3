-- What no crash may leave behind.
SELECT currency || ' sums to ' || sum(amount)
FROM ledger.postings GROUP BY currency HAVING sum(amount) <> 0
UNION ALL
SELECT concat('event ', e.seq, ' has ', count(p.amount), ' legs, which sum to ', sum(p.amount))
FROM ledger.events AS e LEFT JOIN ledger.postings AS p USING (seq)
WHERE e.subject LIKE 'ledger.v1.%.posted.%'
GROUP BY e.seq, e.data
HAVING count(p.amount) <> jsonb_array_length(e.data::jsonb -> 'legs') OR count(p.amount) < 2
       OR sum(p.amount) FILTER (WHERE p.currency = e.data::jsonb #>> '{legs,0,currency}') <> 0
UNION ALL
SELECT 'a posting of ' || p.seq || ' has no event'
FROM ledger.postings AS p LEFT JOIN ledger.events AS e USING (seq) WHERE e.seq IS NULL
UNION ALL
SELECT 'key ' || k.key || ' has no answer'
FROM ledger.idempotency_keys AS k
WHERE NOT EXISTS (SELECT FROM ledger.answers AS a WHERE a.id = k.answer_id)
UNION ALL
SELECT 'the balance of ' || b.wallet_id || ' is not its postings'
FROM ledger.balances AS b LEFT JOIN ledger.postings AS p USING (wallet_id, account, currency)
GROUP BY b.wallet_id, b.account, b.currency, b.posted, b.version
HAVING b.posted <> coalesce(sum(p.amount), 0) OR b.version <> count(p.seq)

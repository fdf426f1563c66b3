-- Recounted from the postings of exactly the events that the inbox says had their effect.
WITH counted AS (
    SELECT done
           - coalesce((SELECT range_agg(int8range(seq, seq, '[]')) FROM dead_letters
                       WHERE consumer = 'settlement' AND seq IS NOT NULL AND state <> 'replayed'),
                      '{}')
           - coalesce((SELECT range_agg(int8range(seq, seq, '[]')) FROM retrying
                       WHERE consumer = 'settlement'), '{}') AS seqs
    FROM inbox
    WHERE consumer = 'settlement'
), recounted AS (
    SELECT account, currency, sum(amount) AS amount, sum(abs(amount)) AS turnover
    FROM ledger.postings
    WHERE seq <@ (SELECT seqs FROM counted)
    GROUP BY account, currency
)
SELECT format('%s in %s: the worker added up %s of %s, the postings are %s of %s',
              account, currency, coalesce(own.amount, 0), coalesce(own.turnover, 0),
              coalesce(recounted.amount, 0), coalesce(recounted.turnover, 0))
FROM sums own
FULL JOIN recounted USING (account, currency)
WHERE coalesce(own.amount, 0) <> coalesce(recounted.amount, 0)
   OR coalesce(own.turnover, 0) <> coalesce(recounted.turnover, 0)

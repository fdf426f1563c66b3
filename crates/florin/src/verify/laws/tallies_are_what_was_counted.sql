-- Recounted from the postings of exactly the events that the inbox says had their effect: not
-- those that wait as dead letters or for a retry, nor those that somebody discarded.
WITH counted AS (
    SELECT done
           - coalesce((SELECT range_agg(int8range(seq, seq, '[]')) FROM dead_letters
                       WHERE consumer = 'analytics' AND seq IS NOT NULL AND state <> 'replayed'),
                      '{}')
           - coalesce((SELECT range_agg(int8range(seq, seq, '[]')) FROM retrying
                       WHERE consumer = 'analytics'), '{}') AS seqs
    FROM inbox
    WHERE consumer = 'analytics'
), recounted AS (
    SELECT posting.wallet_id, posting.currency,
           CASE split_part(event.subject, '.', 3)
               WHEN 'deposit' THEN 'deposited'
               WHEN 'withdrawal' THEN 'withdrawn'
               WHEN 'payment' THEN CASE WHEN posting.amount < 0 THEN 'paid' ELSE 'received' END
               WHEN 'transfer' THEN CASE WHEN posting.amount < 0 THEN 'transferred_out'
                                         ELSE 'transferred_in' END
           END AS category,
           count(*) AS count, sum(abs(posting.amount)) AS amount
    FROM ledger.postings posting
    JOIN ledger.events event ON event.seq = posting.seq
    JOIN ledger.wallets wallet ON wallet.id = posting.wallet_id
    -- A hold that is placed or released has a posting too, and moves nothing; fees are not counted,
    -- nor what takes back.
    WHERE wallet.kind <> 'system' AND posting.purpose IS NULL
      AND split_part(event.subject, '.', 4) = 'posted'
      AND split_part(event.subject, '.', 3) IN ('deposit', 'withdrawal', 'payment', 'transfer')
      AND posting.seq <@ (SELECT seqs FROM counted)
    GROUP BY 1, 2, 3
)
SELECT format('wal_%s %s %s: the worker counted %s with %s, the postings are %s with %s',
              replace(wallet_id::text, '-', ''), category, currency,
              coalesce(tally.count, 0), coalesce(tally.amount, 0),
              coalesce(recounted.count, 0), coalesce(recounted.amount, 0))
FROM tallies tally
FULL JOIN recounted USING (wallet_id, currency, category)
WHERE tally.count IS DISTINCT FROM recounted.count
   OR tally.amount IS DISTINCT FROM recounted.amount

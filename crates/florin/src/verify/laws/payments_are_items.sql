-- The payments of exactly the events that the inbox says had their effect: not those that wait
-- as dead letters or for a retry, nor those that somebody discarded.
WITH counted AS (
    SELECT done
           - coalesce((SELECT range_agg(int8range(seq, seq, '[]')) FROM dead_letters
                       WHERE consumer = 'settlement' AND seq IS NOT NULL AND state <> 'replayed'),
                      '{}')
           - coalesce((SELECT range_agg(int8range(seq, seq, '[]')) FROM retrying
                       WHERE consumer = 'settlement'), '{}') AS seqs
    FROM inbox
    WHERE consumer = 'settlement'
), paid AS (
    SELECT posting.transaction_id, posting.seq, posting.wallet_id, posting.currency, posting.amount
    FROM ledger.postings posting
    JOIN ledger.events event ON event.seq = posting.seq
    WHERE event.subject LIKE 'ledger.v1.payment.posted.%' AND posting.amount > 0
      AND posting.account = 'main' AND posting.purpose IS NULL AND posting.seq <@ (SELECT seqs FROM counted)
)
SELECT format('txn_%s: the item is %s %s to wal_%s at %s, the posting %s %s to wal_%s at %s',
              replace(transaction_id::text, '-', ''),
              coalesce(item.amount::text, 'missing'), item.currency,
              replace(item.merchant_id::text, '-', ''), item.seq,
              coalesce(paid.amount::text, 'missing'), paid.currency,
              replace(paid.wallet_id::text, '-', ''), paid.seq)
FROM items item
FULL JOIN paid USING (transaction_id)
WHERE (item.seq, item.merchant_id, item.currency, item.amount)
      IS DISTINCT FROM (paid.seq, paid.wallet_id, paid.currency, paid.amount)

-- The comparison of legs looks at the events that are there; this finds postings of none.
SELECT format('posting of transaction txn_%s to wal_%s: there is no event %s',
              replace(transaction_id::text, '-', ''), replace(wallet_id::text, '-', ''), seq)
FROM ledger.postings posting
WHERE NOT EXISTS (SELECT FROM ledger.events event WHERE event.seq = posting.seq)

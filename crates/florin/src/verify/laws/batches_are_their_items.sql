WITH held AS (
    SELECT batch_id, item.merchant_id, item.currency, sum(item.amount) AS gross, count(*) AS count,
           max(batched.seq) AS last, bool_and(batched.seq = item.seq) AS in_step
    FROM batch_items batched
    LEFT JOIN items item USING (transaction_id)
    GROUP BY batch_id, item.merchant_id, item.currency
)
SELECT format('stl_%s: the batch says %s with %s %s to wal_%s, it holds %s with %s %s to wal_%s',
              replace(coalesce(batch.id, held.batch_id)::text, '-', ''),
              coalesce(batch.count, 0), coalesce(batch.gross, 0), batch.currency,
              replace(batch.merchant_id::text, '-', ''), coalesce(held.count, 0),
              coalesce(held.gross, 0), held.currency, replace(held.merchant_id::text, '-', ''))
FROM batches batch
FULL JOIN held ON held.batch_id = batch.id
WHERE (batch.merchant_id, batch.currency, batch.gross, batch.count)
      IS DISTINCT FROM (held.merchant_id, held.currency, held.gross, held.count)
UNION ALL
SELECT format('stl_%s: it holds event %s, its cut is at %s and %s',
              replace(batch.id::text, '-', ''), held.last, coalesce(cut.seq, 0),
              coalesce(cut.state, 'missing'))
FROM batches batch
JOIN held ON held.batch_id = batch.id
LEFT JOIN cuts cut ON cut.id = batch.cut_id
WHERE cut.seq IS NULL OR held.last > cut.seq OR cut.state <> 'closed' OR NOT held.in_step
   OR batch.currency <> cut.currency OR batch.merchant_id <> cut.merchant_id

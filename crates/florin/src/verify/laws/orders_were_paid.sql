-- The answer under which an order was paid is about an event that names merchant and order.
SELECT format('the order "%s" of wal_%s is marked as paid, and its answer is about %s',
              own.order_reference, replace(own.merchant_id::text, '-', ''),
              coalesce('event ' || answer.seq, 'nothing'))
FROM ledger.orders own
LEFT JOIN ledger.answers answer ON answer.id = own.answer_id
LEFT JOIN ledger.events event ON event.seq = answer.seq
WHERE event.seq IS NULL
   OR position('"order_reference":' || to_json(own.order_reference)::text IN event.data) = 0
   OR position('"wal_' || replace(own.merchant_id::text, '-', '') || '"' IN event.data) = 0

-- Cuts look for items from the floor on: whatever arrived before it must have a batch.
SELECT format('txn_%s arrived at %s, the floor is at %s, and it is in no batch',
              replace(item.transaction_id::text, '-', ''), item.arrival, item_floor.arrival)
FROM items item
JOIN item_floor ON item.arrival < item_floor.arrival
LEFT JOIN batch_items batched USING (transaction_id)
WHERE batched.transaction_id IS NULL

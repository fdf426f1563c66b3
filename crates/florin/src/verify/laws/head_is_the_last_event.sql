WITH last AS (
    SELECT seq, hash, posted_at FROM ledger.events ORDER BY seq DESC LIMIT 1
)
SELECT format('the head is at %s with hash %s of %s, the last event is %s with hash %s of %s',
              head.seq, encode(head.hash, 'hex'), head.posted_at,
              coalesce(last.seq, 0), coalesce(encode(last.hash, 'hex'), 'none'), last.posted_at)
FROM ledger.head
FULL JOIN last ON true
WHERE head.seq IS DISTINCT FROM coalesce(last.seq, 0)
   OR (last.seq IS NOT NULL AND (head.hash <> last.hash OR head.posted_at <> last.posted_at))
   OR (last.seq IS NULL AND head.hash <> decode(repeat('00', 32), 'hex'))
UNION ALL
SELECT format('event %s is before the first', seq) FROM ledger.events WHERE seq < 1

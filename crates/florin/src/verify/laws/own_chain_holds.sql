-- The worker's own log: every link, the head's as the last.
WITH link AS (
    SELECT seq, hash,
           sha256(lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER (ORDER BY seq)
                  || convert_to(data, 'UTF8')) AS expected
    FROM events
)
SELECT format('event %s: its hash is %s, the chain gives %s', seq, encode(hash, 'hex'),
              encode(expected, 'hex'))
FROM link
WHERE hash <> expected
UNION ALL
SELECT format('the head is at %s with hash %s, the last event has %s', head.seq,
              encode(head.hash, 'hex'), coalesce(encode(last.hash, 'hex'), 'none'))
FROM head
LEFT JOIN events last ON last.seq = head.seq
WHERE head.hash <> coalesce(last.hash, decode(repeat('00', 32), 'hex'))

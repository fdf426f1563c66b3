-- Every link, the slice's first one against the event before the slice.
WITH link AS (
    SELECT seq, hash,
           sha256(lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER (ORDER BY seq)
                  || convert_to(data, 'UTF8')) AS expected
    FROM ledger.events
    WHERE seq BETWEEN $1 - 1 AND $2
)
SELECT format('event %s: its hash is %s, the chain gives %s', seq, encode(hash, 'hex'),
              encode(expected, 'hex'))
FROM link
WHERE seq >= $1 AND hash <> expected

WITH event AS MATERIALIZED (
    SELECT seq, event_id, subject, posted_at, data::jsonb AS data
    FROM ledger.events
    WHERE seq BETWEEN $1 AND $2 AND seq <> ALL ($3)
), compared AS (
    SELECT seq, unnest(ARRAY['id', 'seq', 'type', 'posted_at']) AS field,
           unnest(ARRAY[
               'evt_' || replace(event_id::text, '-', ''),
               seq::text,
               'florin.ledger.' || split_part(subject, '.', 3) || '.' || split_part(subject, '.', 4)
                   || '.v1',
               -- RFC 3339 with as many decimals as the data has: none, or three or six.
               to_char(posted_at, 'YYYY-MM-DD"T"HH24:MI:SS' ||
                   CASE length(data ->> 'posted_at')
                       WHEN 20 THEN '' WHEN 24 THEN '.MS' ELSE '.US' END || '"Z"')
           ]) AS stored,
           unnest(ARRAY[data ->> 'id', data ->> 'seq', data ->> 'type', data ->> 'posted_at']) AS said
    FROM event
)
SELECT format('event %s: the data says %s %s, the row %s', seq, field, coalesce(said, 'nothing'),
              stored)
FROM compared
WHERE said IS DISTINCT FROM stored

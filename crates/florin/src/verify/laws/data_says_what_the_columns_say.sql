WITH event AS MATERIALIZED (
    SELECT seq, event_id, subject, posted_at, data,
           -- Whose shard it is: the first leg's that is no system account's, or the event's own.
           coalesce(jsonb_path_query_first(data, '$.legs[*].wallet') #>> '{}',
                    data ->> 'wallet') AS wallet
    FROM (SELECT seq, event_id, subject, posted_at, data::jsonb AS data
          FROM ledger.events
          WHERE seq BETWEEN $1 AND $2 AND seq <> ALL ($3)) log
), compared AS (
    SELECT seq, unnest(ARRAY['id', 'seq', 'type', 'posted_at', 'subject']) AS field,
           unnest(ARRAY[
               'evt_' || replace(event_id::text, '-', ''),
               seq::text,
               'florin.ledger.' || split_part(subject, '.', 3) || '.' || split_part(subject, '.', 4)
                   || '.v1',
               -- RFC 3339 with as many decimals as the data has: none, or three or six.
               to_char(posted_at, 'YYYY-MM-DD"T"HH24:MI:SS' ||
                   CASE length(data ->> 'posted_at')
                       WHEN 20 THEN '' WHEN 24 THEN '.MS' ELSE '.US' END || '"Z"'),
               subject
           ]) AS stored,
           unnest(ARRAY[
               data ->> 'id', data ->> 'seq', data ->> 'type', data ->> 'posted_at',
               'ledger.v1.' || split_part(data ->> 'type', '.', 3) || '.'
                   || split_part(data ->> 'type', '.', 4) || '.'
                   || lpad(coalesce(get_byte(sha256(convert_to(wallet, 'UTF8')), 0) % 16,
                                    0)::text, 2, '0')
           ]) AS said
    FROM event
)
SELECT format('event %s: the data says %s %s, the row %s', seq, field, coalesce(said, 'nothing'),
              stored)
FROM compared
WHERE said IS DISTINCT FROM stored

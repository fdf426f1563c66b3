-- What stands in both an answer and its event is the same. An answer shows less than the event:
-- balances of others are left out of its legs.
WITH event AS MATERIALIZED (
    SELECT seq, data::jsonb AS data
    FROM ledger.events
    WHERE seq BETWEEN $1 AND $2 AND seq <> ALL ($3)
), told AS MATERIALIZED (
    SELECT event.seq, event.data, answer.status,
           event.data ->> 'type' LIKE '%.rejected.v1' AS rejected,
           -- An answer of another form has no fields to compare.
           CASE jsonb_typeof(answer.body::jsonb) WHEN 'object' THEN answer.body::jsonb
                ELSE '{}' END AS body
    FROM event
    JOIN (SELECT seq, status, body FROM ledger.answers WHERE seq BETWEEN $1 AND $2) answer
         USING (seq)
), differing AS (
    SELECT seq, format('%s %s, the event %s', field.key, field.value, told.data -> field.key) AS said
    FROM told
    CROSS JOIN LATERAL jsonb_each(told.body) AS field
    -- These words mean something else in an answer, or are looked at below.
    WHERE field.key NOT IN ('id', 'type', 'status', 'legs') AND told.data ? field.key
      AND field.value <> told.data -> field.key
    UNION ALL
    SELECT seq, format('id %s, which the event does not name', body ->> 'id')
    FROM told
    WHERE NOT rejected AND body ? 'id'
      AND NOT EXISTS (SELECT FROM jsonb_each(told.data) AS field
                      WHERE field.value = told.body -> 'id')
    UNION ALL
    SELECT seq, format('instance %s, the event is %s', body -> 'instance', data -> 'id')
    FROM told
    WHERE rejected AND body -> 'instance' IS DISTINCT FROM data -> 'id'
    UNION ALL
    SELECT seq, format('status %s, the event is %s', status, data ->> 'type')
    FROM told
    WHERE (status >= 400) IS DISTINCT FROM rejected
    UNION ALL
    SELECT seq, format('status %s and in its body %s', status, body -> 'status')
    FROM told
    WHERE rejected AND body -> 'status' IS DISTINCT FROM to_jsonb(status)
    UNION ALL
    SELECT seq, 'legs that are not the event''s'
    FROM told
    WHERE body ? 'legs' AND data ? 'legs'
      AND (NOT (data -> 'legs') @> (body -> 'legs')
           OR jsonb_array_length(data -> 'legs') <> jsonb_array_length(body -> 'legs'))
)
SELECT format('event %s: its answer says %s', seq, said)
FROM differing

-- Every batch has one event in the worker's own log, and it says the same.
SELECT format('stl_%s: the batch is %s with %s, its event says %s with %s',
              coalesce(replace(batch.id::text, '-', ''), told.id), coalesce(batch.count, 0),
              coalesce(batch.gross, 0), coalesce(told.count, 0), coalesce(told.gross, 0))
FROM batches batch
FULL JOIN (
    SELECT replace(data::jsonb->>'batch', 'stl_', '') AS id, (data::jsonb->>'gross')::numeric AS gross,
           (data::jsonb->>'count')::bigint AS count,
           count(*) OVER (PARTITION BY data::jsonb->>'batch') AS number
    FROM events
) told ON told.id = replace(batch.id::text, '-', '')
WHERE (batch.gross, batch.count, 1) IS DISTINCT FROM (told.gross, told.count, told.number)

-- Every alert is about an event of the ledger that was handled and had its effect, and was told
-- about in the worker's own log.
SELECT format('alert %s is about event %s, which is %s', replace(alert.id::text, '-', ''),
              alert.seq, coalesce(event.event_id::text, 'missing'))
FROM alerts alert
LEFT JOIN ledger.events event ON event.seq = alert.seq
WHERE event.event_id IS DISTINCT FROM alert.event_id
UNION ALL
SELECT format('alert %s has %s events', coalesce(replace(alert.id::text, '-', ''), told.id),
              coalesce(told.number, 0))
FROM alerts alert
FULL JOIN (
    SELECT replace(data::jsonb->>'alert', 'alt_', '') AS id, count(*) AS number
    FROM events GROUP BY 1
) told ON told.id = replace(alert.id::text, '-', '')
WHERE alert.id IS NULL OR told.number IS DISTINCT FROM 1

-- Of each consumer of the schema on the search path: what it has not handled yet, and what it
-- could not handle.
SELECT consumer, source,
       coalesce(upper(done) - 1, 0) AS handled_to,
       coalesce((SELECT sum(upper(gap) - lower(gap)) FROM unnest(missing) AS gap), 0)::bigint
           AS missing,
       ARRAY(SELECT CASE WHEN upper(gap) - lower(gap) = 1 THEN lower(gap)::text
                         ELSE format('%s-%s', lower(gap), upper(gap) - 1) END
             FROM unnest(missing) AS gap LIMIT 10) AS first_missing,
       (SELECT count(*) FROM dead_letters letter
        WHERE letter.consumer = inbox.consumer AND letter.state = 'parked') AS parked,
       (SELECT count(*) FROM retrying retry WHERE retry.consumer = inbox.consumer) AS retrying
FROM inbox
CROSS JOIN LATERAL (
    SELECT int8multirange(int8range(1, (SELECT seq FROM ledger.head), '[]')) - done AS missing
) open
ORDER BY consumer, source

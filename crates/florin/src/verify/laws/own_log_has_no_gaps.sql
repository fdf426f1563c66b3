-- The worker's own log: 1, 2, 3, … to its head.
WITH known AS (
    SELECT seq FROM events
    UNION ALL
    SELECT seq + 1 FROM head
), step AS (
    SELECT seq, lag(seq, 1, 0::bigint) OVER (ORDER BY seq) AS before FROM known
)
SELECT CASE WHEN seq = before THEN format('the head is before event %s', seq)
            WHEN seq - before = 2 THEN format('event %s is missing', before + 1)
            ELSE format('events %s to %s are missing', before + 1, seq - 1) END
FROM step
WHERE seq - before <> 1
UNION ALL
SELECT 'the log has no head' WHERE NOT EXISTS (SELECT FROM head)

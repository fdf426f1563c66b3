WITH known AS (
    SELECT seq FROM ledger.events WHERE seq BETWEEN $1 AND $2
    -- Whoever misses the slice's last events must find something after them.
    UNION ALL
    SELECT $2 + 1
), step AS (
    SELECT seq, lag(seq, 1, $1 - 1) OVER (ORDER BY seq) AS before FROM known
)
SELECT CASE WHEN seq - before = 2 THEN format('event %s is missing', before + 1)
            ELSE format('events %s to %s are missing', before + 1, seq - 1) END
FROM step
WHERE seq - before > 1

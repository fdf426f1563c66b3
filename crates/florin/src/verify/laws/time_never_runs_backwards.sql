WITH step AS (
    SELECT seq, posted_at, lag(posted_at) OVER (ORDER BY seq) AS before
    FROM ledger.events
    WHERE seq BETWEEN $1 - 1 AND $2
)
SELECT format('event %s is of %s, the one before it of %s', seq, posted_at, before)
FROM step
WHERE posted_at < before

-- A posting that an older version wrote may leave out what it is for and when it counts; it then
-- counts when it was posted.
WITH event AS MATERIALIZED (
    SELECT seq, posted_at, data::jsonb ->> 'kind' AS kind,
           data::jsonb ->> 'effective_at' AS effective_at,
           data::jsonb ->> 'posted_at' AS said_posted_at
    FROM ledger.events
    WHERE seq BETWEEN $1 AND $2 AND seq <> ALL ($3)
), stored AS (
    SELECT event.*, posting.kind AS own_kind, posting.backdated,
           posting.effective_at < event.posted_at AS is_backdated,
           -- RFC 3339 with as many decimals as the data has: none, or three or six.
           to_char(posting.effective_at, 'YYYY-MM-DD"T"HH24:MI:SS' ||
               CASE length(event.effective_at)
                   WHEN 20 THEN '' WHEN 24 THEN '.MS' ELSE '.US' END || '"Z"') AS own_effective_at
    FROM event JOIN ledger.postings posting USING (seq)
    WHERE event.effective_at IS NOT NULL
)
SELECT DISTINCT format('event %s: the data says a %s that counts at %s, a posting a %s at %s', seq,
                       kind, effective_at, own_kind, own_effective_at)
FROM stored
WHERE own_kind <> kind OR own_effective_at <> effective_at
UNION ALL
SELECT DISTINCT format('event %s: it counts at %s and was posted at %s, a posting says otherwise',
                       seq, effective_at, said_posted_at)
FROM stored
WHERE backdated <> coalesce(is_backdated, effective_at <> said_posted_at)

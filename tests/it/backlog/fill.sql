-- Appends $1 copies of the last event: each with its place, an id of its own, and its link of the
-- chain.
WITH RECURSIVE template AS (
    SELECT events.*, data::json ->> 'id' AS id
    FROM ledger.events ORDER BY seq DESC LIMIT 1
), log (seq, data, hash) AS (
    SELECT seq, data, hash FROM template
    UNION ALL
    SELECT log.seq + 1, next.data, sha256(log.hash || convert_to(next.data, 'UTF8'))
    FROM log, template, LATERAL (
        SELECT replace(
            replace(template.data, template.id,
                    left(template.id, -8) || lpad(to_hex(log.seq + 1), 8, '0')),
            format('"seq":%s', template.seq), format('"seq":%s', log.seq + 1)) AS data
    ) next
    WHERE log.seq < template.seq + $1
), filled AS (
    INSERT INTO ledger.events (seq, event_id, subject, data, hash, posted_at, traceparent)
    SELECT log.seq, replace(log.data::json ->> 'id', 'evt_', '')::uuid, template.subject, log.data,
           log.hash, template.posted_at, template.traceparent
    FROM log, template
    WHERE log.seq > template.seq
    RETURNING seq, hash
)
UPDATE ledger.head
SET (seq, hash) = (SELECT seq, hash FROM filled ORDER BY seq DESC LIMIT 1)

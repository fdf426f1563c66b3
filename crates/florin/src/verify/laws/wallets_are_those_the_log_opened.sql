WITH event AS MATERIALIZED (
    SELECT seq, posted_at, data AS text, data::jsonb AS data
    FROM ledger.events
    WHERE seq BETWEEN $1 AND $2 AND seq <> ALL ($3) AND subject LIKE 'ledger.v1.wallet.created.%'
), opened AS (
    SELECT seq, posted_at, text, data ->> 'wallet' AS wallet, data ->> 'owner' AS owner, data ->> 'kind' AS kind,
           data ->> 'reference' AS reference, data ->> 'category' AS category,
           -- An id that is none finds no wallet instead of failing the cast.
           CASE WHEN data ->> 'wallet' ~ '^wal_[0-9a-f]{32}$'
                THEN substr(data ->> 'wallet', 5)::uuid END AS id
    FROM event
)
SELECT format('event %s opened %s for "%s": its row is missing or says otherwise', opened.seq,
              opened.wallet, opened.owner)
FROM opened
LEFT JOIN ledger.wallets wallet USING (id)
WHERE wallet.id IS NULL
   OR (wallet.owner, wallet.kind, wallet.reference, wallet.category, wallet.created_at)
      IS DISTINCT FROM (opened.owner, opened.kind, opened.reference, opened.category,
                        opened.posted_at)
   -- Both were written from the same map, and what is no JSON any more cannot be parsed.
   OR position('"metadata":' || wallet.metadata IN opened.text) = 0

-- Over the same events as the tallies: when each wallet moved money first and last.
WITH counted AS (
    SELECT done
           - coalesce((SELECT range_agg(int8range(seq, seq, '[]')) FROM dead_letters
                       WHERE consumer = 'analytics' AND seq IS NOT NULL AND state <> 'replayed'),
                      '{}')
           - coalesce((SELECT range_agg(int8range(seq, seq, '[]')) FROM retrying
                       WHERE consumer = 'analytics'), '{}') AS seqs
    FROM inbox
    WHERE consumer = 'analytics'
), moment AS MATERIALIZED (
    SELECT event.seq, (event.data::jsonb ->> 'effective_at')::timestamptz AS effective_at
    FROM ledger.events event
    WHERE split_part(event.subject, '.', 4) = 'posted' AND event.seq <@ (SELECT seqs FROM counted)
), seen AS (
    SELECT posting.wallet_id, min(moment.effective_at) AS first_seen_at,
           max(moment.effective_at) AS last_activity_at
    FROM moment
    JOIN ledger.postings posting USING (seq)
    JOIN ledger.wallets wallet ON wallet.id = posting.wallet_id
    WHERE wallet.kind <> 'system'
    GROUP BY posting.wallet_id
)
SELECT format('wal_%s: the worker saw it from %s to %s, the events are from %s to %s',
              replace(wallet_id::text, '-', ''),
              coalesce(activity.first_seen_at::text, 'never'),
              coalesce(activity.last_activity_at::text, 'never'),
              coalesce(seen.first_seen_at::text, 'never'),
              coalesce(seen.last_activity_at::text, 'never'))
FROM activity
FULL JOIN seen USING (wallet_id)
WHERE (activity.first_seen_at, activity.last_activity_at)
      IS DISTINCT FROM (seen.first_seen_at, seen.last_activity_at)

SELECT format('%s of %s in %s: %s against %s as of event %s, since %s', kind, scope, currency, ours,
              theirs, seq, first_seen_at)
FROM breaks
WHERE state = 'open'

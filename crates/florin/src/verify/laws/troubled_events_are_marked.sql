-- An event that was given up or waits for a retry was marked with it; and it is one of the two.
SELECT format('%s gave up event %s without marking it', letter.consumer, letter.seq)
FROM dead_letters letter
LEFT JOIN inbox USING (consumer, source)
WHERE letter.seq IS NOT NULL AND letter.seq <@ inbox.done IS NOT TRUE
UNION ALL
SELECT format('%s retries event %s without having marked it', retry.consumer, retry.seq)
FROM retrying retry
LEFT JOIN inbox USING (consumer, source)
WHERE retry.seq <@ inbox.done IS NOT TRUE
UNION ALL
SELECT format('%s both gave up and retries event %s', retry.consumer, retry.seq)
FROM retrying retry
JOIN dead_letters letter USING (consumer, source, seq)
WHERE letter.state = 'parked'

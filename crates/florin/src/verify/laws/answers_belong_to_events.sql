SELECT format('answer %s: there is no event %s', answer.id, answer.seq)
FROM ledger.answers answer
LEFT JOIN ledger.events event USING (seq)
WHERE event.seq IS NULL
UNION ALL
SELECT format('event %s has %s answers', seq, count(*))
FROM ledger.answers
GROUP BY seq
HAVING count(*) > 1

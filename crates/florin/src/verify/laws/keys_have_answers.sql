SELECT format('the key "%s" of "%s" has no answer', key.key, key.caller)
FROM ledger.idempotency_keys key
LEFT JOIN ledger.answers answer ON answer.id = key.answer_id
WHERE answer.id IS NULL
UNION ALL
SELECT format('answer %s is stored under %s keys', answer_id, count(*))
FROM ledger.idempotency_keys
GROUP BY answer_id
HAVING count(*) > 1

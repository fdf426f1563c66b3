WITH payment AS MATERIALIZED (
    SELECT seq, data::jsonb AS data
    FROM ledger.events
    WHERE seq BETWEEN $1 AND $2 AND seq <> ALL ($3) AND subject LIKE 'ledger.v1.payment.posted.%'
), paid AS (
    SELECT payment.seq, payment.data ->> 'order_reference' AS reference, posting.wallet_id
    FROM payment
    JOIN ledger.postings posting ON posting.seq = payment.seq
    WHERE posting.account = 'main' AND posting.amount > 0
      AND payment.data ->> 'order_reference' IS NOT NULL
)
SELECT format('event %s: the order "%s" of wal_%s was paid and is not marked so', seq, reference,
              replace(paid.wallet_id::text, '-', ''))
FROM paid
LEFT JOIN ledger.orders own
       ON own.merchant_id = paid.wallet_id AND own.order_reference = paid.reference
WHERE own.merchant_id IS NULL

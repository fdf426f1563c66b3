-- The head's hash covers every event; the rest is counted and summed.
SELECT concat_ws(' ',
    (SELECT seq || ':' || encode(hash, 'hex') FROM ledger.head),
    (SELECT count(*) FROM ledger.events),
    (SELECT count(*) FROM ledger.postings),
    (SELECT count(*) FROM ledger.answers),
    (SELECT count(*) FROM ledger.idempotency_keys),
    (SELECT count(*) FROM ledger.wallets),
    (SELECT md5(string_agg(b::text, ';' ORDER BY wallet_id, account, currency)) FROM ledger.balances AS b))

SELECT head.seq AS head, encode(head.hash, 'hex') AS hash,
       coalesce((SELECT max(seq) FROM ledger.events), 0) AS last
FROM ledger.head

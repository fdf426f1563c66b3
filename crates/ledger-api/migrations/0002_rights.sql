-- What the ledger's own role may do: append, and move balances. Nothing is ever deleted.
GRANT USAGE ON SCHEMA ledger TO florin_ledger;
GRANT SELECT, INSERT ON wallets, postings, events, idempotency_keys, answers TO florin_ledger;
GRANT SELECT, INSERT, UPDATE ON balances, relay TO florin_ledger;
GRANT SELECT, UPDATE ON head TO florin_ledger;
-- `FOR SHARE` and, later, a change of status need it; owner, kind and id are never updated.
GRANT UPDATE (status) ON wallets TO florin_ledger;
REVOKE ALL ON FUNCTION ensure_event_partitions(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_event_partitions(bigint) TO florin_ledger;

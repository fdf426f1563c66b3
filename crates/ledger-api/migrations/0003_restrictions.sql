-- What a wallet may not do stands on each of its balances, so that a movement locks balances
-- alone. Bits: 1 frozen, 2 blocked, 4 suspended, 8 closed, 16 this currency frozen.
ALTER TABLE wallets ADD COLUMN restrictions smallint NOT NULL DEFAULT 0;
ALTER TABLE balances ADD COLUMN restrictions smallint NOT NULL DEFAULT 0;
UPDATE wallets
SET restrictions = CASE status WHEN 'frozen' THEN 1 WHEN 'blocked' THEN 2
                               WHEN 'suspended' THEN 4 WHEN 'closed' THEN 8 END
WHERE status <> 'active';
UPDATE balances b SET restrictions = w.restrictions
FROM wallets w WHERE w.id = b.wallet_id AND w.restrictions <> 0;
GRANT UPDATE (restrictions) ON wallets TO florin_ledger;

-- A change of what is held takes a version of the balance too: its posting has the amount 0.
ALTER TABLE postings ADD COLUMN held_change numeric NOT NULL DEFAULT 0;
ALTER TABLE postings ADD COLUMN held_after numeric NOT NULL DEFAULT 0;

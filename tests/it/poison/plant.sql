-- Rows that are there already stay; the next change of this wallet's tallies is refused.
ALTER TABLE analytics.tallies
    ADD CONSTRAINT planted CHECK (wallet_id <> 'WALLET'::uuid) NOT VALID;

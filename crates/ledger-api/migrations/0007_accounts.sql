-- An account is all wallets of one owner. What it may not do stands on each of its wallets and
-- balances too (bits: 4 suspended, 8 closed, 32 limited, 64 account frozen), so that a movement
-- needs no lock on the account.
CREATE TABLE accounts (
    owner              text COLLATE "C" PRIMARY KEY,
    restrictions       smallint NOT NULL DEFAULT 0,
    status             text NOT NULL DEFAULT 'active' CONSTRAINT account_status_is_known
                       CHECK (status IN ('active', 'suspended', 'closed')),
    -- NULL until somebody said so: then there is no limit either.
    kyc_level          text CONSTRAINT kyc_level_is_known
                       CHECK (kyc_level IN ('none', 'basic', 'standard', 'advanced')),
    risk_level         text CONSTRAINT risk_level_is_known
                       CHECK (risk_level IN ('low', 'medium', 'high')),
    document_reference text,
    created_at         timestamptz NOT NULL,
    CONSTRAINT status_says_what_the_restrictions_say
        CHECK (status = CASE WHEN restrictions & 8 <> 0 THEN 'closed'
                             WHEN restrictions & 4 <> 0 THEN 'suspended' ELSE 'active' END),
    CONSTRAINT levels_limit_the_account
        CHECK ((restrictions & 32 <> 0) = (kyc_level IS NOT NULL OR risk_level IS NOT NULL))
);
INSERT INTO accounts (owner, created_at)
SELECT owner, min(created_at) FROM wallets WHERE kind <> 'system' GROUP BY owner;

-- What an account with limits used of one currency, on a day and in the month from a day. Nothing
-- resets it: another day's use counts for nothing. Low fillfactor, as for balances.
CREATE TABLE usages (
    owner      text COLLATE "C" NOT NULL REFERENCES accounts,
    currency   text COLLATE "C" NOT NULL,
    day        date NOT NULL,
    day_used   numeric NOT NULL CONSTRAINT day_is_never_negative CHECK (day_used >= 0),
    month      date NOT NULL CONSTRAINT month_is_its_first_day
               CHECK (extract(day FROM month) = 1),
    month_used numeric NOT NULL CONSTRAINT month_is_never_negative CHECK (month_used >= 0),
    PRIMARY KEY (owner, currency),
    CONSTRAINT day_is_part_of_its_month
        CHECK (date_trunc('month', day) = month AND day_used <= month_used)
) WITH (fillfactor = 60);

CREATE FUNCTION keep_closed_accounts_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'closed_accounts_stay_closed: the account of % is closed', OLD.owner
        USING ERRCODE = 'check_violation', CONSTRAINT = 'closed_accounts_stay_closed';
END $$;
CREATE TRIGGER closed_accounts_stay_closed BEFORE UPDATE ON accounts
    FOR EACH ROW WHEN (OLD.status = 'closed') EXECUTE FUNCTION keep_closed_accounts_closed();
CREATE TRIGGER accounts_are_never_removed BEFORE DELETE ON accounts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER accounts_are_never_truncated BEFORE TRUNCATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON accounts TO florin_ledger;
-- Owner and birth are never updated.
GRANT UPDATE (restrictions, status, kyc_level, risk_level, document_reference) ON accounts
    TO florin_ledger;
GRANT SELECT, INSERT, UPDATE ON usages TO florin_ledger;

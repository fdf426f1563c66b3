-- Exchange rates: a history that only grows. Of two rates of a pair for one moment the later one
-- (by seq) counts. `rate` is what one unit of `base` is worth in `quote`; `spread` is in percent.
CREATE TABLE rates (
    base   text COLLATE "C" NOT NULL,
    quote  text COLLATE "C" NOT NULL,
    as_of  timestamptz NOT NULL,
    seq    bigint NOT NULL,
    rate   numeric NOT NULL CONSTRAINT rate_is_above_zero CHECK (rate > 0),
    -- NULL: the house's default at the time of the exchange.
    spread numeric CONSTRAINT spread_is_a_part CHECK (spread >= 0 AND spread < 100),
    source text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (base, quote, as_of, seq),
    CONSTRAINT rate_is_between_two_currencies CHECK (base <> quote)
);
-- The pairs that ever had a rate: the latest of each is then a probe of the key above.
CREATE TABLE rate_pairs (
    base  text COLLATE "C" NOT NULL,
    quote text COLLATE "C" NOT NULL,
    PRIMARY KEY (base, quote)
);

-- Prices that were given. No foreign key to the wallet: it would lock the wallet's row while the
-- head is held, and whoever freezes a wallet takes these locks the other way round.
CREATE TABLE quotes (
    id             uuid PRIMARY KEY,
    wallet_id      uuid NOT NULL,
    from_currency  text NOT NULL,
    from_amount    numeric NOT NULL,
    to_currency    text NOT NULL,
    -- What the amount is worth, and what of it the wallet gets.
    to_value       numeric NOT NULL,
    to_amount      numeric NOT NULL,
    mid_rate       numeric NOT NULL,
    rate           numeric NOT NULL,
    spread         numeric NOT NULL,
    rate_as_of     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    seq            bigint NOT NULL,
    -- The exchange that executed it.
    transaction_id uuid UNIQUE,
    CONSTRAINT quote_is_between_two_currencies CHECK (from_currency <> to_currency),
    CONSTRAINT quote_gives_no_more_than_the_value
        CHECK (from_amount > 0 AND to_amount > 0 AND to_amount <= to_value AND rate <= mid_rate)
);

CREATE TRIGGER rates_are_never_changed BEFORE UPDATE OR DELETE ON rates
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rates_are_never_truncated BEFORE TRUNCATE ON rates
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- A quote changes once, when it is executed, and in that alone.
CREATE FUNCTION refuse_second_execution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.transaction_id IS NOT NULL
       OR to_jsonb(OLD) - 'transaction_id' <> to_jsonb(NEW) - 'transaction_id' THEN
        RAISE EXCEPTION 'quote % is executed once and never changed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'quote_is_executed_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER quotes_are_executed_once BEFORE UPDATE ON quotes
    FOR EACH ROW EXECUTE FUNCTION refuse_second_execution();
CREATE TRIGGER quotes_are_never_removed BEFORE DELETE ON quotes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER quotes_are_never_truncated BEFORE TRUNCATE ON quotes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON rates, rate_pairs, quotes TO florin_ledger;
GRANT UPDATE (transaction_id) ON quotes TO florin_ledger;

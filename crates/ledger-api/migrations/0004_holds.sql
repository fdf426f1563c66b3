-- Money that is set aside. What it is at, and what of it was captured, change; the rest is what was
-- said when it was placed. What is held on a balance is what its open holds have left.
CREATE TABLE holds (
    id              uuid PRIMARY KEY,
    wallet_id       uuid NOT NULL REFERENCES wallets,
    kind            text COLLATE "C" NOT NULL CONSTRAINT hold_is_for_something_that_pays_out
                    CHECK (kind IN ('payment', 'transfer', 'withdrawal')),
    counterparty_id uuid REFERENCES wallets,
    currency        text COLLATE "C" NOT NULL,
    amount          numeric NOT NULL CONSTRAINT hold_is_above_zero CHECK (amount > 0),
    captured        numeric NOT NULL DEFAULT 0 CONSTRAINT captures_are_never_negative
                    CHECK (captured >= 0),
    state           text COLLATE "C" NOT NULL DEFAULT 'open' CONSTRAINT hold_state_is_known
                    CHECK (state IN ('open', 'captured', 'voided', 'expired')),
    expires_at      timestamptz NOT NULL,
    placed_at       timestamptz NOT NULL,
    reference       text,
    order_reference text,
    description     text,
    metadata        text NOT NULL DEFAULT '{}',
    CONSTRAINT captures_stay_within_the_hold CHECK (captured <= amount),
    CONSTRAINT hold_without_a_rest_is_not_open CHECK (state = 'captured' OR captured < amount),
    CONSTRAINT captured_hold_has_a_capture CHECK (state <> 'captured' OR captured > 0),
    CONSTRAINT hold_names_who_is_paid
        CHECK ((counterparty_id IS NULL) = (kind = 'withdrawal') AND counterparty_id <> wallet_id)
) WITH (fillfactor = 80);
CREATE INDEX holds_of_a_wallet ON holds (wallet_id, id);
CREATE INDEX holds_in_favour_of_a_wallet ON holds (counterparty_id, id)
    WHERE counterparty_id IS NOT NULL;
-- What the sweep asks for again and again: a few rows of however many there ever were.
CREATE INDEX holds_that_run_out ON holds (expires_at, id) WHERE state = 'open';

-- The same rule as in `domain::HoldStep`, guarded twice: only an open hold changes, money is not
-- put back into it, and what was said when it was placed stays.
CREATE FUNCTION refuse_illegal_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR NEW.captured <> 0 THEN
            RAISE EXCEPTION 'a hold begins open and whole'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'hold_begins_open';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'the hold is %, which is final', OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ends_of_holds_are_final';
    END IF;
    -- Opened again as it was, nothing would have happened; a capture takes something, and an end of
    -- any other kind takes nothing.
    IF (NEW.state IN ('open', 'captured') AND NEW.captured <= OLD.captured)
       OR (NEW.state IN ('voided', 'expired') AND NEW.captured <> OLD.captured) THEN
        RAISE EXCEPTION 'a hold from % with % captured does not become % with %',
            OLD.state, OLD.captured, NEW.state, NEW.captured
            USING ERRCODE = 'check_violation', CONSTRAINT = 'steps_of_holds_are_legal';
    END IF;
    IF (to_jsonb(NEW) - 'state' - 'captured') <> (to_jsonb(OLD) - 'state' - 'captured') THEN
        RAISE EXCEPTION 'the terms of a hold do not change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_of_holds_stay';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER holds_follow_their_rules BEFORE INSERT OR UPDATE ON holds
    FOR EACH ROW EXECUTE FUNCTION refuse_illegal_hold();
CREATE TRIGGER holds_are_never_removed BEFORE DELETE ON holds
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER holds_are_never_truncated BEFORE TRUNCATE ON holds
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT, UPDATE (captured, state) ON holds TO florin_ledger;

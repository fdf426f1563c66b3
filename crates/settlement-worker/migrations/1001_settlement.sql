-- Payments, one row each, written once. `arrival` counts in the order of commits, because
-- handlers take turns at the inbox; what arrives late has a high one, whatever its seq.
CREATE TABLE items (
    transaction_id  uuid NOT NULL CONSTRAINT a_payment_is_one_item PRIMARY KEY,
    arrival         bigint GENERATED ALWAYS AS IDENTITY
                    CONSTRAINT items_arrive_one_after_another UNIQUE,
    seq             bigint NOT NULL,
    event_id        uuid NOT NULL,
    merchant_id     uuid NOT NULL,
    customer_id     uuid NOT NULL,
    currency        text COLLATE "C" NOT NULL,
    amount          numeric NOT NULL CONSTRAINT item_amount_is_positive CHECK (amount > 0),
    order_reference text,
    effective_at    timestamptz NOT NULL,
    posted_at       timestamptz NOT NULL
);

-- No item that arrived earlier is without a batch: a cut looks from here on, not through all
-- that was ever paid. It belongs to the items: who fills those anew begins with it at 1.
CREATE TABLE item_floor (
    single  boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_floor CHECK (single),
    arrival bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO item_floor (arrival) VALUES (1);

-- What the events' legs sum up to, with and without their signs.
CREATE TABLE sums (
    account  text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    amount   numeric NOT NULL,
    turnover numeric NOT NULL,
    CONSTRAINT an_account_has_one_sum_per_currency PRIMARY KEY (account, currency)
) WITH (fillfactor = 10);

-- Positions of the ledger's log up to which payments are settled. What a cut is never changes;
-- whether it is closed does, once.
CREATE TABLE cuts (
    id           uuid NOT NULL CONSTRAINT a_cut_has_an_id PRIMARY KEY,
    seq          bigint NOT NULL,
    cut_off      timestamptz NOT NULL,
    merchant_id  uuid,
    currency     text COLLATE "C",
    -- Of a scheduled one.
    instant      timestamptz CONSTRAINT an_instant_has_one_cut UNIQUE,
    -- Of a requested one.
    caller       text COLLATE "C",
    key          text COLLATE "C",
    fingerprint  text COLLATE "C",
    requested_at timestamptz NOT NULL,
    state        text COLLATE "C" NOT NULL DEFAULT 'waiting'
                 CONSTRAINT a_cut_waits_or_is_closed CHECK (state IN ('waiting', 'closed')),
    waits_for    text,
    closed_at    timestamptz,
    CONSTRAINT a_key_stands_for_one_cut UNIQUE (caller, key),
    CONSTRAINT a_cut_is_scheduled_or_requested
        CHECK (num_nulls(caller, key, fingerprint) = CASE WHEN instant IS NULL THEN 0 ELSE 3 END),
    CONSTRAINT a_closed_cut_says_when CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE INDEX cuts_that_wait ON cuts (seq, id) WHERE state = 'waiting';

CREATE TABLE batches (
    id          uuid NOT NULL CONSTRAINT a_batch_has_an_id PRIMARY KEY,
    cut_id      uuid NOT NULL CONSTRAINT a_batch_is_of_a_cut REFERENCES cuts,
    merchant_id uuid NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    gross       numeric NOT NULL CONSTRAINT batch_gross_is_positive CHECK (gross > 0),
    count       bigint NOT NULL CONSTRAINT a_batch_is_not_empty CHECK (count > 0),
    closed_at   timestamptz NOT NULL,
    CONSTRAINT a_cut_makes_one_batch_per_merchant_and_currency
        UNIQUE (cut_id, merchant_id, currency)
);
CREATE INDEX batches_of_a_merchant ON batches (merchant_id, id);

-- The primary key is the proof: a payment is in one batch, for ever.
CREATE TABLE batch_items (
    transaction_id uuid NOT NULL CONSTRAINT an_item_is_in_one_batch_for_ever PRIMARY KEY,
    batch_id       uuid NOT NULL CONSTRAINT a_batched_item_has_a_batch REFERENCES batches,
    seq            bigint NOT NULL
);
CREATE INDEX items_of_a_batch ON batch_items (batch_id, seq);

-- Differences that tie-outs found. Its history stays; the one that is there is found again.
CREATE TABLE breaks (
    id            uuid NOT NULL CONSTRAINT a_break_has_an_id PRIMARY KEY,
    kind          text COLLATE "C" NOT NULL CONSTRAINT break_kind_is_known
                  CHECK (kind IN ('balances', 'postings', 'turnover', 'payments', 'balance')),
    scope         text COLLATE "C" NOT NULL,
    currency      text COLLATE "C" NOT NULL,
    ours          numeric NOT NULL,
    theirs        numeric NOT NULL,
    seq           bigint NOT NULL,
    state         text COLLATE "C" NOT NULL DEFAULT 'open'
                  CONSTRAINT a_break_is_open_or_resolved CHECK (state IN ('open', 'resolved')),
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    resolved_at   timestamptz,
    CONSTRAINT a_break_is_a_difference CHECK (ours <> theirs),
    CONSTRAINT a_resolved_break_says_when CHECK ((state = 'resolved') = (resolved_at IS NOT NULL))
);
CREATE UNIQUE INDEX a_difference_is_one_open_break ON breaks (kind, scope, currency)
    WHERE state = 'open';

-- Batches are never changed. The function came with the worker's log.
CREATE TRIGGER batches_are_never_changed BEFORE UPDATE OR DELETE ON batches
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER batches_are_never_truncated BEFORE TRUNCATE ON batches
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER batched_items_are_never_changed BEFORE UPDATE OR DELETE ON batch_items
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER batched_items_are_never_truncated BEFORE TRUNCATE ON batch_items
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cuts_are_never_removed BEFORE DELETE ON cuts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cuts_are_never_truncated BEFORE TRUNCATE ON cuts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The worker's role has rights on its own schema and nowhere else; what was paid, settled and
-- published it cannot change.
GRANT USAGE ON SCHEMA settlement TO florin_settlement;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA settlement TO florin_settlement;
REVOKE UPDATE, DELETE ON events, items, cuts, batches, batch_items FROM florin_settlement;
GRANT UPDATE (state, waits_for, closed_at) ON cuts TO florin_settlement;
REVOKE INSERT, DELETE ON head, item_floor FROM florin_settlement;
REVOKE DELETE ON sums, breaks FROM florin_settlement;
REVOKE ALL ON _sqlx_migrations FROM florin_settlement;

-- The books. Names are unqualified: the migrating connection's search_path is `ledger`.
-- Constraints are named as sentences; the service turns violated ones into clear errors.

CREATE TABLE wallets (
    id         uuid PRIMARY KEY,
    owner      text NOT NULL,
    kind       text NOT NULL CONSTRAINT wallet_kind_is_known
               CHECK (kind IN ('customer', 'merchant', 'system')),
    status     text NOT NULL DEFAULT 'active' CONSTRAINT wallet_status_is_known
               CHECK (status IN ('active', 'frozen', 'blocked', 'suspended', 'closed')),
    reference  text,
    metadata   text NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);
CREATE INDEX wallets_by_owner ON wallets (owner, id);
CREATE INDEX wallets_by_reference ON wallets (reference, id) WHERE reference IS NOT NULL;

-- One row per wallet, account and currency, locked before every decision about it.
-- Low fillfactor: a hot balance is updated in place (HOT) instead of growing its index.
CREATE TABLE balances (
    wallet_id    uuid NOT NULL REFERENCES wallets,
    account      text COLLATE "C" NOT NULL,
    currency     text COLLATE "C" NOT NULL,
    posted       numeric NOT NULL DEFAULT 0,
    held         numeric NOT NULL DEFAULT 0 CONSTRAINT held_is_never_negative CHECK (held >= 0),
    -- How far below zero the available balance may go; NULL: no floor (system accounts).
    credit_limit numeric DEFAULT 0,
    version      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (wallet_id, account, currency),
    -- The same rule as in `domain::decide`, guarded twice.
    CONSTRAINT balance_stays_above_its_floor
        CHECK (credit_limit IS NULL OR posted - held >= -credit_limit)
) WITH (fillfactor = 60);

-- One row per leg. The key is the balance's own version: no change of a balance can be written
-- twice or skipped.
CREATE TABLE postings (
    wallet_id      uuid NOT NULL,
    account        text COLLATE "C" NOT NULL,
    currency       text COLLATE "C" NOT NULL,
    version        bigint NOT NULL,
    seq            bigint NOT NULL,
    transaction_id uuid NOT NULL,
    amount         numeric NOT NULL,
    balance_after  numeric NOT NULL,
    PRIMARY KEY (wallet_id, account, currency, version)
);
CREATE INDEX postings_of_a_wallet ON postings (wallet_id, seq DESC);
CREATE INDEX postings_by_seq ON postings USING brin (seq);

-- The immutable log: audit trail and outbox in one. `data` is text, because it is hashed and
-- sent exactly as it is stored.
CREATE TABLE events (
    seq         bigint PRIMARY KEY,
    event_id    uuid NOT NULL,
    subject     text NOT NULL,
    data        text NOT NULL,
    hash        bytea NOT NULL,
    posted_at   timestamptz NOT NULL,
    traceparent text
) PARTITION BY RANGE (seq);

-- The end of the log: locked by whoever appends, until it commits.
CREATE TABLE head (
    single    boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_head CHECK (single),
    seq       bigint NOT NULL,
    hash      bytea NOT NULL,
    posted_at timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO head (seq, hash, posted_at)
VALUES (0, decode(repeat('00', 32), 'hex'), timestamptz '1970-01-01 00:00:00Z');

-- Where the relay is. The stream itself is the truth; this tells lag and epochs.
CREATE TABLE relay (
    stream            text PRIMARY KEY,
    epoch             bigint NOT NULL,
    cursor            bigint NOT NULL,
    stream_created_at timestamptz
) WITH (fillfactor = 10);

-- A key is claimed before the work and answered with it, in one transaction: two inserts cost
-- less than half of an insert and an update.
CREATE TABLE idempotency_keys (
    caller      text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    answer_id   uuid NOT NULL,
    claimed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);
CREATE TABLE answers (
    id     uuid PRIMARY KEY,
    status smallint NOT NULL,
    body   text NOT NULL,
    seq    bigint NOT NULL
);

-- Partitions of the log hold this many events each; the service asks for the next ones long
-- before they are needed.
CREATE FUNCTION ensure_event_partitions(upto bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    size  constant bigint := 5000000;
    start bigint := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('florin.ledger.partitions'));
    WHILE start <= upto LOOP
        IF to_regclass(format('ledger.events_%s', start / size)) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE ledger.events_%s PARTITION OF ledger.events FOR VALUES FROM (%s) TO (%s)',
                start / size, start, start + size);
        END IF;
        start := start + size;
    END LOOP;
END $$;
SELECT ensure_event_partitions(10000000);

-- Entries, postings and answers are never changed: a correction is a new transaction.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: a correction is a new transaction', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
-- By row, so that the partitions of the log have the trigger too; TRUNCATE only exists by statement.
CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_are_never_changed BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_are_never_truncated BEFORE TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER answers_are_never_changed BEFORE UPDATE OR DELETE ON answers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER answers_are_never_truncated BEFORE TRUNCATE ON answers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Every transaction sums to zero per currency, and every posting belongs to a balance, checked
-- once per statement. A foreign key would ask once per row, under the head's lock, and lock a row
-- that the transaction has locked already. LATERAL makes each look a probe of the primary key, at
-- every size of the table.
CREATE FUNCTION refuse_imbalance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT seq INTO wrong FROM added GROUP BY seq, currency HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the postings of transaction % do not sum to zero', wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_sum_to_zero';
    END IF;
    SELECT seq INTO wrong
    FROM added LEFT JOIN LATERAL (
        SELECT true AS found FROM ledger.balances b
        WHERE b.wallet_id = added.wallet_id AND b.account = added.account
          AND b.currency = added.currency LIMIT 1) balance ON true
    WHERE balance.found IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting_belongs_to_a_balance: a posting of transaction % has none', wrong
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'posting_belongs_to_a_balance';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER postings_are_whole
    AFTER INSERT ON postings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_imbalance();
CREATE TRIGGER balances_are_never_removed BEFORE DELETE ON balances
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER balances_are_never_truncated BEFORE TRUNCATE ON balances
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The system's own wallets, one per shard: deposits of two lanes do not wait for each other.
INSERT INTO wallets (id, owner, kind, created_at)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(shard), 12, '0'))::uuid,
       'florin', 'system', timestamptz '1970-01-01 00:00:00Z'
FROM generate_series(0, 15) AS shard;

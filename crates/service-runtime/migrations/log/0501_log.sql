-- A worker's own log, of the shape of the ledger's: audit trail and outbox in one. It is not
-- partitioned, because an event's id is derived from what it follows from and must be found
-- again: a rebuild appends nothing twice.
CREATE TABLE events (
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    subject text NOT NULL,
    data text NOT NULL,
    hash bytea NOT NULL,
    posted_at timestamptz NOT NULL,
    traceparent text,
    CONSTRAINT a_position_has_one_event PRIMARY KEY (seq),
    CONSTRAINT an_event_is_appended_once UNIQUE (event_id),
    CONSTRAINT a_hash_is_32_bytes CHECK (octet_length(hash) = 32)
);

-- The end of the log: locked by whoever appends, until it commits.
CREATE TABLE head (
    single boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_head CHECK (single),
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    posted_at timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO head (seq, hash, posted_at)
VALUES (0, decode(repeat('00', 32), 'hex'), timestamptz '1970-01-01 00:00:00Z');

-- Where the relay is. The stream itself is the truth; this tells lag and epochs.
CREATE TABLE relay (
    stream text PRIMARY KEY,
    epoch bigint NOT NULL,
    cursor bigint NOT NULL,
    stream_created_at timestamptz
) WITH (fillfactor = 10);

-- What was published stays what it was.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who asked for a change, from where, and what came of it: one row for each request, never changed.
-- The id is a UUIDv7 of `at`, so rows are added at the end of the only index, and pages go by it.
CREATE TABLE audit (
    id              uuid PRIMARY KEY,
    at              timestamptz NOT NULL,
    -- Of a token that was accepted; none otherwise.
    actor           text,
    role            text,
    owner           text,
    client          text NOT NULL,
    method          text NOT NULL,
    route           text NOT NULL,
    path            text NOT NULL,
    idempotency_key text,
    request_id      text NOT NULL,
    status          smallint NOT NULL,
    code            text,
    replayed        boolean NOT NULL,
    wallet_id       uuid,
    -- The event that tells what was decided; none when nothing was.
    seq             bigint
);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_is_never_truncated BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON audit TO florin_ledger;

-- Answers are written in the order of the log, so the smallest of indexes finds those of a slice.
CREATE INDEX answers_by_seq ON answers USING brin (seq);

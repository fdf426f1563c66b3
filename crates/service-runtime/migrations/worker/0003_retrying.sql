-- Events whose retry outlived their stay in the stream: marked in the inbox, acknowledged, and
-- tried again from here until they go through or their time is up.
CREATE TABLE retrying (
    consumer text NOT NULL,
    source text NOT NULL,
    seq bigint NOT NULL,
    subject text NOT NULL,
    headers jsonb NOT NULL,
    data bytea NOT NULL,
    tries integer NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    error text NOT NULL,
    CONSTRAINT an_event_is_retried_from_one_row PRIMARY KEY (consumer, source, seq)
);
CREATE INDEX retrying_when_due ON retrying (consumer, next_at);

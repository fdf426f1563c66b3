-- What an instance has in hand right now. Written before the handler runs and removed in the
-- effect's transaction: a row whose instance no longer holds its session lock is a crash.
-- `server_started_at` tells a crash of the worker from a restart of Postgres, which takes the
-- lock away too.
CREATE TABLE running (
    consumer text NOT NULL,
    instance bigint NOT NULL,
    source text NOT NULL,
    seqs int8multirange NOT NULL,
    alone boolean NOT NULL,
    server_started_at timestamptz NOT NULL DEFAULT pg_postmaster_start_time(),
    CONSTRAINT an_instance_has_one_batch_in_hand PRIMARY KEY (consumer, instance)
) WITH (fillfactor = 10);

-- Only events in trouble have a row: counted before they are tried, removed with their effect.
CREATE TABLE attempts (
    consumer text NOT NULL,
    source text NOT NULL,
    seq bigint NOT NULL,
    suspect boolean NOT NULL DEFAULT false,
    tries integer NOT NULL DEFAULT 0,
    panics integer NOT NULL DEFAULT 0,
    deaths integer NOT NULL DEFAULT 0,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    next_at timestamptz,
    error text,
    CONSTRAINT attempts_are_counted_once_per_event PRIMARY KEY (consumer, source, seq)
);

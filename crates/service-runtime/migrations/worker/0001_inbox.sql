-- What a consumer has settled, as ranges of the source's gapless sequence: one row per consumer,
-- not one per event. `trusted_*` is the last link of the source's hash chain that was proven.
-- The row changes with every batch, so its page keeps room for heap-only updates.
CREATE TABLE inbox (
    consumer text NOT NULL,
    source text NOT NULL,
    done int8multirange NOT NULL DEFAULT '{}',
    trusted_seq bigint NOT NULL DEFAULT 0,
    trusted_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    CONSTRAINT an_inbox_belongs_to_one_consumer_and_source PRIMARY KEY (consumer, source),
    CONSTRAINT a_trusted_hash_is_32_bytes CHECK (octet_length(trusted_hash) = 32)
) WITH (fillfactor = 10);

-- Events that a consumer gave up, and messages that no relay published. An event of the log is
-- known by its seq, a foreign message by its position in the stream.
CREATE TABLE dead_letters (
    id uuid NOT NULL,
    consumer text NOT NULL,
    source text NOT NULL,
    seq bigint,
    stream text,
    stream_created_at timestamptz,
    stream_seq bigint,
    subject text NOT NULL,
    noun_verb text NOT NULL,
    headers jsonb NOT NULL,
    data bytea NOT NULL,
    reason text NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'parked',
    published_to timestamptz,
    CONSTRAINT a_dead_letter_has_an_id PRIMARY KEY (id),
    CONSTRAINT a_dead_letter_is_parked_replayed_or_discarded
        CHECK (state IN ('parked', 'replayed', 'discarded')),
    CONSTRAINT a_dead_letter_has_a_seq_or_a_stream_position
        CHECK ((seq IS NULL) = (stream IS NOT NULL)),
    CONSTRAINT a_stream_position_is_complete
        CHECK (num_nulls(stream, stream_created_at, stream_seq) IN (0, 3)),
    CONSTRAINT an_event_has_one_dead_letter UNIQUE (consumer, source, seq),
    CONSTRAINT a_foreign_message_has_one_dead_letter
        UNIQUE (consumer, stream, stream_created_at, stream_seq)
);
CREATE INDEX dead_letters_by_state ON dead_letters (consumer, state, id);

-- Who did what to a dead letter, and why; failed replays too.
CREATE TABLE dead_letter_history (
    id bigint GENERATED ALWAYS AS IDENTITY,
    dead_letter uuid NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    by text NOT NULL,
    note text NOT NULL,
    CONSTRAINT a_history_entry_has_an_id PRIMARY KEY (id),
    CONSTRAINT a_history_entry_is_about_a_dead_letter
        FOREIGN KEY (dead_letter) REFERENCES dead_letters (id)
);
CREATE INDEX dead_letter_history_by_letter ON dead_letter_history (dead_letter, id);

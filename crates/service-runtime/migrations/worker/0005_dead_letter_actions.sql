-- What a dead letter is about. Without a stake nobody can tell how much money it is.
ALTER TABLE dead_letters
    ADD COLUMN wallets uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN stake jsonb;

-- In which role somebody acted, and how a replay failed.
ALTER TABLE dead_letter_history
    ADD COLUMN role text NOT NULL DEFAULT '',
    ADD COLUMN error text;

-- Outcomes by the key of the request: they commit with what they tell of.
CREATE TABLE dead_letter_answers (
    caller text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    dead_letter uuid NOT NULL,
    outcome jsonb NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT a_key_has_one_outcome PRIMARY KEY (caller, key),
    CONSTRAINT an_outcome_is_about_a_dead_letter
        FOREIGN KEY (dead_letter) REFERENCES dead_letters (id)
);

-- Who acted on what, and what was answered, stays as it was written.
CREATE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER history_is_never_changed BEFORE UPDATE OR DELETE ON dead_letter_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER history_is_never_truncated BEFORE TRUNCATE ON dead_letter_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER answers_are_never_changed BEFORE UPDATE OR DELETE ON dead_letter_answers
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER answers_are_never_truncated BEFORE TRUNCATE ON dead_letter_answers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();

-- Which role this schema's worker has is not known here. Whoever may add dead letters may answer
-- about them; in a schema without rights the worker's own migrations give them later.
DO $$
DECLARE worker text;
BEGIN
    FOR worker IN
        SELECT grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema() AND table_name = 'dead_letters'
          AND privilege_type = 'INSERT' AND grantee <> current_user
    LOOP
        EXECUTE format('GRANT SELECT, INSERT ON dead_letter_answers TO %I', worker);
    END LOOP;
END $$;

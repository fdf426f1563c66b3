-- What reads by time need, at no cost to writes but three columns: no further index of all
-- postings and none of the log.

-- What a posting is for and when it counts, as its event says. Rows that a process of the version
-- before writes during an update have neither; they count when they were posted.
ALTER TABLE postings
    ADD COLUMN kind         text COLLATE "C",
    ADD COLUMN effective_at timestamptz,
    -- It counts from before it was posted. The others count in the order of their versions.
    ADD COLUMN backdated    boolean NOT NULL DEFAULT false;

-- Fills in what older versions left out. Run it again, as the owner, when processes of the version
-- before have written while this one was there already.
CREATE FUNCTION fill_postings() RETURNS void
    LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
    ALTER TABLE ledger.postings DISABLE TRIGGER postings_are_never_changed;
    UPDATE ledger.postings
    SET kind = said.kind, effective_at = said.effective_at,
        backdated = said.effective_at < said.posted_at
    FROM (SELECT seq, posted_at, data::jsonb ->> 'kind' AS kind,
                 (data::jsonb ->> 'effective_at')::timestamptz AS effective_at
          FROM ledger.events) said
    WHERE said.seq = postings.seq AND postings.effective_at IS NULL
      AND said.effective_at IS NOT NULL;
    ALTER TABLE ledger.postings ENABLE TRIGGER postings_are_never_changed;
END $$;
REVOKE ALL ON FUNCTION fill_postings() FROM PUBLIC;
SELECT fill_postings();

-- Only what counts from before it was posted: an ordinary posting is in no index more than before.
CREATE INDEX backdated_postings ON postings (wallet_id, currency, effective_at, version)
    WHERE backdated AND account = 'main';

-- The last position of the log before a moment; 0 when there is none. `posted_at` never runs
-- backwards along `seq`, which has no gaps: halving finds it with the primary key alone, in 27
-- looks among a hundred million events. The plans of the looks must not depend on how long the
-- tables were when they were made.
CREATE FUNCTION seq_before(moment timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT SET search_path = ledger, pg_temp
    SET enable_seqscan = off SET jit = off AS $$
DECLARE
    low     bigint := 0;
    high    bigint;
    middle  bigint;
    written timestamptz;
BEGIN
    SELECT seq INTO high FROM ledger.head;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        SELECT posted_at INTO written FROM ledger.events WHERE seq = middle;
        IF written < moment THEN low := middle; ELSE high := middle - 1; END IF;
    END LOOP;
    RETURN low;
END $$;

-- The version of a balance after position `upto` of the log; 0 when nothing had moved yet. The
-- versions of a balance have no gaps and run along `seq`, so the same halving finds it.
CREATE FUNCTION version_at(wallet uuid, own_account text, own_currency text, upto bigint)
    RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT SET search_path = ledger, pg_temp
    SET enable_seqscan = off SET jit = off AS $$
DECLARE
    low     bigint := 0;
    high    bigint;
    middle  bigint;
    written bigint;
BEGIN
    SELECT version INTO high FROM ledger.balances
    WHERE wallet_id = wallet AND account = own_account AND currency = own_currency;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        SELECT seq INTO written FROM ledger.postings
        WHERE wallet_id = wallet AND account = own_account AND currency = own_currency
          AND version = middle;
        IF written <= upto THEN low := middle; ELSE high := middle - 1; END IF;
    END LOOP;
    RETURN low;
END $$;

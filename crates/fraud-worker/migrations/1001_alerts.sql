-- Movements out that count for rapid withdrawals: withdrawals and transfers, not payments. What
-- lies in a window is read from here whenever it is asked for, so that an event that comes late
-- needs to change no row.
CREATE TABLE debits (
    wallet_id      uuid NOT NULL,
    effective_at   timestamptz NOT NULL,
    event_id       uuid NOT NULL,
    seq            bigint NOT NULL,
    transaction_id uuid NOT NULL,
    currency       text COLLATE "C" NOT NULL,
    amount         numeric NOT NULL CONSTRAINT debit_amount_is_positive CHECK (amount > 0),
    posted_at      timestamptz NOT NULL,
    CONSTRAINT an_event_is_one_debit PRIMARY KEY (wallet_id, effective_at, event_id)
);

-- What rules found: written once, never changed. The id follows from rule and event, and sorts
-- by the time of the ledger's event.
CREATE TABLE alerts (
    id             uuid PRIMARY KEY,
    rule           text COLLATE "C" NOT NULL CONSTRAINT alert_rule_is_known
                   CHECK (rule IN ('rapid_withdrawals', 'large_withdrawal', 'large_deposit')),
    wallet_id      uuid NOT NULL,
    event_id       uuid NOT NULL,
    seq            bigint NOT NULL,
    transaction_id uuid NOT NULL,
    currency       text COLLATE "C" NOT NULL,
    amount         numeric NOT NULL CONSTRAINT alert_amount_is_positive CHECK (amount > 0),
    -- Rules about one movement: from which amount on they find it.
    threshold      numeric,
    effective_at   timestamptz NOT NULL,
    posted_at      timestamptz NOT NULL,
    CONSTRAINT a_rule_finds_an_event_once UNIQUE (rule, event_id)
);
CREATE INDEX alerts_of_a_wallet ON alerts (wallet_id, id);

-- The worker's role has rights on its own schema and nowhere else; what was published and what
-- was found it cannot change.
GRANT USAGE ON SCHEMA fraud TO florin_fraud;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA fraud TO florin_fraud;
REVOKE UPDATE, DELETE ON events, alerts, debits FROM florin_fraud;
REVOKE INSERT, DELETE ON head FROM florin_fraud;
REVOKE ALL ON _sqlx_migrations FROM florin_fraud;

-- What each wallet moved: one row per wallet, currency and category, added to and never set.
CREATE TABLE tallies (
    wallet_id uuid NOT NULL,
    currency  text COLLATE "C" NOT NULL,
    category  text COLLATE "C" NOT NULL CONSTRAINT tally_category_is_known
              CHECK (category IN ('deposited', 'withdrawn', 'paid', 'received',
                                  'transferred_in', 'transferred_out')),
    count     bigint NOT NULL CONSTRAINT tally_counts_something CHECK (count > 0),
    amount    numeric NOT NULL CONSTRAINT tally_amount_is_positive CHECK (amount > 0),
    PRIMARY KEY (wallet_id, currency, category)
) WITH (fillfactor = 70);

-- When a wallet was first and last seen moving money, in event time.
CREATE TABLE activity (
    wallet_id        uuid PRIMARY KEY,
    first_seen_at    timestamptz NOT NULL,
    last_activity_at timestamptz NOT NULL,
    CONSTRAINT activity_begins_before_it_ends CHECK (first_seen_at <= last_activity_at)
) WITH (fillfactor = 70);

-- The worker's role has rights on its own schema and nowhere else.
GRANT USAGE ON SCHEMA analytics TO florin_analytics;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA analytics TO florin_analytics;
REVOKE ALL ON _sqlx_migrations FROM florin_analytics;

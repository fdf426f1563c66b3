-- A merchant's order is paid once. Whoever pays it says by which answer; it tells the transaction.
CREATE TABLE orders (
    merchant_id     uuid NOT NULL,
    order_reference text COLLATE "C" NOT NULL,
    answer_id       uuid NOT NULL,
    CONSTRAINT an_order_is_paid_once PRIMARY KEY (merchant_id, order_reference)
);
-- Orders that were paid before; of two payments of one order, the first.
INSERT INTO orders
SELECT DISTINCT ON (paid.wallet_id, e.data::jsonb ->> 'order_reference')
       paid.wallet_id, e.data::jsonb ->> 'order_reference', a.id
FROM events e
JOIN postings paid ON paid.seq = e.seq AND paid.account = 'main' AND paid.amount > 0
JOIN answers a ON a.seq = e.seq
WHERE e.subject LIKE 'ledger.v1.payment.posted.%' AND e.data::jsonb ->> 'order_reference' IS NOT NULL
ORDER BY paid.wallet_id, e.data::jsonb ->> 'order_reference', e.seq;
CREATE TRIGGER orders_are_never_changed BEFORE UPDATE OR DELETE ON orders
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER orders_are_never_truncated BEFORE TRUNCATE ON orders
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was taken back of a transaction: locked before more of it is.
CREATE TABLE corrections (
    transaction_id uuid PRIMARY KEY,
    refunded       numeric NOT NULL DEFAULT 0
                   CONSTRAINT refunded_is_never_negative CHECK (refunded >= 0),
    reversed_by    uuid,
    CONSTRAINT what_is_refunded_is_not_reversed CHECK (reversed_by IS NULL OR refunded = 0)
);
CREATE TRIGGER corrections_are_never_removed BEFORE DELETE ON corrections
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER corrections_are_never_truncated BEFORE TRUNCATE ON corrections
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION refuse_second_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'transaction % was reversed before', OLD.transaction_id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER reversals_are_final BEFORE UPDATE ON corrections
    FOR EACH ROW WHEN (OLD.reversed_by IS NOT NULL
                       AND NEW.reversed_by IS DISTINCT FROM OLD.reversed_by)
    EXECUTE FUNCTION refuse_second_reversal();

-- What the house takes. The version at the head tells a lane that its copy of the rules is old.
CREATE TABLE fee_rules (
    id         uuid PRIMARY KEY,
    seq        bigint NOT NULL UNIQUE,
    terms      text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_seq  bigint,
    ended_at   timestamptz,
    CONSTRAINT a_rule_ends_after_it_began CHECK (ended_seq > seq),
    CONSTRAINT an_end_has_a_time CHECK ((ended_seq IS NULL) = (ended_at IS NULL))
);
ALTER TABLE head ADD COLUMN rules_version bigint NOT NULL DEFAULT 0;

-- What merchants deal in.
ALTER TABLE wallets ADD COLUMN category text;
-- What a leg is, when it is not the transaction's own amount: a fee, a spread.
ALTER TABLE postings ADD COLUMN purpose text COLLATE "C";

GRANT SELECT, INSERT ON orders TO florin_ledger;
GRANT SELECT, INSERT, UPDATE (refunded, reversed_by) ON corrections TO florin_ledger;
GRANT SELECT, INSERT, UPDATE (ended_seq, ended_at) ON fee_rules TO florin_ledger;

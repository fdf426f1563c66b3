//! What breaks the laws about orders, fees and corrections.

/// What breaks which law, and words of the evidence.
pub const PLANTED_AT_PAYMENTS: &[(&str, &str, &str)] = &[
    (
        "payments_have_their_orders",
        "DELETE FROM ledger.orders WHERE order_reference = 'o-\"1\"'",
        "the order \"o-\"1\"\" of wal_",
    ),
    (
        "orders_were_paid",
        "INSERT INTO ledger.orders SELECT merchant_id, 'o-3', answer_id FROM ledger.orders LIMIT 1",
        "the order \"o-3\" of wal_",
    ),
    (
        "orders_were_paid",
        "UPDATE ledger.orders SET answer_id = gen_random_uuid() WHERE order_reference = 'o-2'",
        "and its answer is about nothing",
    ),
    (
        "corrections_are_what_was_posted",
        "UPDATE ledger.corrections SET refunded = refunded + 1 WHERE refunded > 0",
        "3.50 paid back and undone by nothing is held, the log has 2.50 and nothing",
    ),
    (
        "corrections_are_what_was_posted",
        "DELETE FROM ledger.corrections WHERE reversed_by IS NOT NULL",
        "0 paid back and undone by nothing is held, the log has 0 and txn_",
    ),
    (
        "fee_rules_are_those_of_the_log",
        "UPDATE ledger.fee_rules SET terms = replace(terms, '1.5', '9.5')",
        "and with other terms",
    ),
    (
        "fee_rules_are_those_of_the_log",
        "UPDATE ledger.fee_rules SET ended_seq = NULL, ended_at = NULL WHERE ended_seq IS NOT NULL",
        "it is held from 11 to now",
    ),
    (
        "postings_are_the_legs",
        "UPDATE ledger.postings SET purpose = NULL WHERE purpose IS NOT NULL AND amount > 0",
        "as fee on revenue of the system",
    ),
];

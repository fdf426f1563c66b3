//! What breaks the laws about holds. The payer has 64.50, then 57.50 after both captures.

/// What breaks which law, and words of the evidence.
pub const PLANTED_AT_HOLDS: &[(&str, &str, &str)] = &[
    (
        "held_is_what_holds_have_left",
        "UPDATE ledger.balances SET held = held + 1 WHERE posted = 57.50",
        "16.00 is held, its open holds have 15.00 left, its postings make 15.00",
    ),
    (
        "held_is_what_holds_have_left",
        "UPDATE ledger.holds SET captured = 6 WHERE state = 'open'",
        "15.00 is held, its open holds have 14.00 left",
    ),
    (
        "held_is_what_holds_have_left",
        "UPDATE ledger.postings SET held_change = 2 WHERE held_change = 1",
        "its postings make 16.00",
    ),
    (
        "balance_chains_are_whole",
        "DELETE FROM ledger.postings WHERE held_change = 3",
        "version 7 follows version 5",
    ),
    (
        "balance_chains_are_whole",
        "UPDATE ledger.postings SET held_after = 19 WHERE held_change = 20",
        "version 4: 19 held after a change of 20.00 to 0",
    ),
    (
        "holds_were_placed_and_told",
        "INSERT INTO ledger.holds (id, wallet_id, kind, counterparty_id, currency, amount,
             expires_at, placed_at)
         SELECT '01900000-0000-7000-8000-000000000000', wallet_id, kind, counterparty_id, currency,
             amount, expires_at, placed_at FROM ledger.holds LIMIT 1",
        "hld_01900000000070008000000000000000: it was placed 0 times",
    ),
    (
        "holds_were_placed_and_told",
        "UPDATE ledger.holds SET state = 'open' WHERE state = 'voided'",
        "it was placed 1 times, ended 1 times, and 0 was captured; its row is open",
    ),
    (
        "holds_were_placed_and_told",
        "UPDATE ledger.holds SET captured = 6 WHERE state = 'open'",
        "and 5.00 was captured; its row is open with 6",
    ),
    (
        "holds_are_as_the_log_tells",
        "UPDATE ledger.holds SET amount = 21 WHERE amount = 20",
        "it was placed otherwise",
    ),
    (
        "holds_are_as_the_log_tells",
        "UPDATE ledger.holds SET state = 'expired' WHERE state = 'voided'",
        "it ended voided with 0.00 captured, the hold is expired with 0",
    ),
    (
        "holds_are_as_the_log_tells",
        "DELETE FROM ledger.holds WHERE state = 'captured'",
        "there is no such hold",
    ),
    (
        "postings_are_the_legs",
        "UPDATE ledger.postings SET held_change = held_change + 1 WHERE held_change = 20",
        "there is a posting that is no leg of the data: 0 EUR on main",
    ),
];

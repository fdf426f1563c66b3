//! What breaks the laws about settlements and alerts: which law, and words of the evidence.

/// On a ledger whose settlement worker has handled everything and settled ten euros.
pub const PLANTED_AT_SETTLEMENT: &[(&str, &str, &str)] = &[
    (
        "payments_are_items",
        "UPDATE settlement.items SET amount = amount + 0.01 WHERE currency = 'KRW'",
        "the item is 1200.01 KRW",
    ),
    (
        "payments_are_items",
        "DELETE FROM settlement.items WHERE currency = 'KRW'",
        "the item is missing",
    ),
    (
        "payments_are_items",
        "UPDATE settlement.inbox SET done = '{[1,10)}'",
        "the posting missing",
    ),
    (
        "sums_are_what_was_counted",
        "UPDATE settlement.sums SET amount = amount + 0.01 WHERE account = 'funding'
             AND currency = 'EUR'",
        "funding in EUR: the worker added up -99.49 of 100.50, the postings are -99.50 of 100.50",
    ),
    (
        "sums_are_what_was_counted",
        "UPDATE settlement.sums SET turnover = turnover + 1 WHERE account = 'main'
             AND currency = 'KRW'",
        "main in KRW",
    ),
    (
        "batches_are_their_items",
        "UPDATE settlement.batches SET gross = gross + 0.01",
        "the batch says 1 with 10.01 EUR",
    ),
    (
        "batches_are_their_items",
        "DELETE FROM settlement.batch_items",
        "it holds 0 with 0",
    ),
    (
        "batches_are_their_items",
        "UPDATE settlement.cuts SET seq = 6",
        "it holds event 7, its cut is at 6 and closed",
    ),
    (
        "batches_are_their_items",
        "UPDATE settlement.cuts SET currency = 'KRW'",
        "its cut is at 10",
    ),
    (
        "no_item_is_left_behind",
        "UPDATE settlement.item_floor SET arrival = 100",
        "the floor is at 100, and it is in no batch",
    ),
    (
        "batches_were_told",
        "DELETE FROM settlement.events",
        "the batch is 1 with 10.00, its event says 0 with 0",
    ),
    (
        "batches_were_told",
        "UPDATE settlement.events SET data = replace(data, '10.00', '10.01')",
        "its event says 1 with 10.01",
    ),
    (
        "no_break_is_open",
        "INSERT INTO settlement.breaks (id, kind, scope, currency, ours, theirs, seq, first_seen_at,
             last_seen_at)
         VALUES (gen_random_uuid(), 'balances', 'main', 'EUR', 1, 1.01, 10, now(), now())",
        "balances of main in EUR: 1 against 1.01 as of event 10",
    ),
    (
        "own_log_has_no_gaps",
        "UPDATE settlement.events SET seq = 2",
        "event 1 is missing",
    ),
    (
        "own_log_has_no_gaps",
        "DELETE FROM settlement.events",
        "event 1 is missing",
    ),
    (
        "own_log_has_no_gaps",
        "UPDATE settlement.head SET seq = 0",
        "the head is before event 1",
    ),
    (
        "own_chain_holds",
        "UPDATE settlement.events SET data = replace(data, '10.00', '10.01')",
        "event 1: its hash is",
    ),
    (
        "own_chain_holds",
        "UPDATE settlement.head SET hash = sha256('x')",
        "the head is at 1 with hash",
    ),
];

/// On a ledger whose fraud worker has raised alerts.
pub const PLANTED_AT_FRAUD: &[(&str, &str, &str)] = &[
    (
        "alerts_belong_to_events",
        "UPDATE fraud.alerts SET seq = 77",
        "is about event 77, which is missing",
    ),
    (
        "alerts_belong_to_events",
        "DELETE FROM fraud.alerts",
        "has 1 events",
    ),
    (
        "alerts_belong_to_events",
        "UPDATE fraud.events SET data = replace(data, 'alt_', 'alt_0')",
        "has 0 events",
    ),
];

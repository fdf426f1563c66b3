//! What breaks the laws about the ledger and its statistics.

/// What breaks which law, and words of the evidence.
pub const PLANTED: &[(&str, &str, &str)] = &[
    (
        "transactions_balance",
        "UPDATE ledger.postings SET amount = amount + 1 WHERE seq = 6 AND amount > 0",
        "transaction 6: its postings in EUR sum to 1.00",
    ),
    (
        "books_sum_to_zero",
        "UPDATE ledger.balances SET posted = posted + 7 WHERE account = 'main' AND currency = 'KRW'
             AND posted = 1200",
        "KRW: all accounts together hold 7",
    ),
    (
        "balances_are_their_postings",
        "UPDATE ledger.balances SET posted = posted + 7 WHERE account = 'main' AND posted = 1200;
         UPDATE ledger.balances SET posted = posted - 7 WHERE account = 'main' AND posted = 3800",
        "the balance is 1207, its postings sum to 1200",
    ),
    (
        "balance_chains_are_whole",
        "DELETE FROM ledger.postings WHERE seq = 6 AND amount < 0",
        "version 3 follows version 1",
    ),
    (
        "balance_chains_are_whole",
        "UPDATE ledger.balances SET version = version + 1 WHERE posted = 64.50",
        "the balance is at version 4, its last posting at 3",
    ),
    (
        "no_balance_below_its_floor",
        "ALTER TABLE ledger.balances DROP CONSTRAINT balance_stays_above_its_floor;
         UPDATE ledger.balances SET held = 70 WHERE posted = 64.50",
        "64.50 less 70 held is below 0",
    ),
    (
        "no_balance_below_its_floor",
        "UPDATE ledger.balances SET credit_limit = NULL WHERE posted = 64.50",
        "has no floor",
    ),
    (
        "head_is_the_last_event",
        "DELETE FROM ledger.events WHERE seq = 10",
        "the head is at 10",
    ),
    (
        "head_is_the_last_event",
        "UPDATE ledger.head SET hash = sha256('x')",
        "the head is at 10",
    ),
    (
        "head_is_the_last_event",
        "DELETE FROM ledger.head",
        "the last event is 10",
    ),
    (
        "postings_belong_to_events",
        "UPDATE ledger.postings SET seq = 77 WHERE seq = 6",
        "there is no event 77",
    ),
    (
        "answers_belong_to_events",
        "UPDATE ledger.answers SET seq = 77 WHERE seq = 6",
        "there is no event 77",
    ),
    (
        "answers_belong_to_events",
        "UPDATE ledger.answers SET seq = 7 WHERE seq = 6",
        "event 7 has 2 answers",
    ),
    (
        "keys_have_answers",
        "DELETE FROM ledger.answers WHERE seq = 9",
        "the key \"row 5\" of \"books\" has no answer",
    ),
    (
        "quotes_are_executed_once",
        "UPDATE ledger.events SET subject = 'ledger.v1.exchange.posted.03' WHERE seq = 6",
        "event 6 is an exchange by no quote",
    ),
    (
        "quotes_are_executed_once",
        "INSERT INTO ledger.quotes VALUES ('01900000-0000-7000-8000-000000000000', gen_random_uuid(),
             'EUR', 1, 'KRW', 1600, 1592, 1600, 1592, 0.5, now(), now(), now(), 7, gen_random_uuid())",
        "quote qte_01900000000070008000000000000000 was executed, and no event tells of it",
    ),
    (
        "quotes_are_executed_once",
        "UPDATE ledger.events SET subject = 'ledger.v1.exchange.posted.03' WHERE seq = 6;
         INSERT INTO ledger.quotes SELECT gen_random_uuid(), wallet_id, 'EUR', 25.49, 'KRW', 1600,
             1592, 1600, 1592, 0.5, now(), now(), now(), 7, transaction_id
             FROM ledger.postings WHERE seq = 6 AND amount < 0",
        "promised -25.49 and 1592",
    ),
    (
        "quotes_are_executed_once",
        "INSERT INTO ledger.quotes VALUES (gen_random_uuid(), gen_random_uuid(), 'EUR', 1, 'KRW',
             1600, 1592, 1600, 1592, 0.5, now(), now(), now(), 7)",
        "there are 1 quotes, the log gave 0",
    ),
    (
        "held_follows_from_its_postings",
        "UPDATE ledger.balances SET held = 7 WHERE posted = 64.50",
        "7 is held, the changes make 0",
    ),
    (
        "held_follows_from_its_postings",
        "UPDATE ledger.postings SET held_change = 7 WHERE seq = 6 AND amount < 0",
        "version 2 leaves 0 held, the changes make 7",
    ),
    (
        "wallets_are_as_events_left_them",
        "UPDATE ledger.wallets SET status = 'closed', restrictions = 8 WHERE owner = 'ann'",
        "has the restrictions 8 and is closed, the events say 0",
    ),
    (
        "wallets_are_as_events_left_them",
        "UPDATE ledger.balances SET restrictions = 16 WHERE posted = 64.50",
        "has the restrictions 16, its wallet 0, and the events say 0",
    ),
    (
        "wallets_are_as_events_left_them",
        "UPDATE ledger.balances SET credit_limit = 500 WHERE posted = 64.50",
        "may go 500 below zero, the events say 0",
    ),
    (
        "wallets_come_from_the_log",
        "INSERT INTO ledger.wallets (id, owner, kind, created_at)
         VALUES ('01900000-0000-7000-8000-000000000000', 'eve', 'customer', now())",
        "there are 4 wallets, the log opened 3",
    ),
    (
        "data_is_json",
        "UPDATE ledger.events SET data = left(data, -1) WHERE seq = 6",
        "the data of event 6 is not JSON",
    ),
    (
        "log_has_no_gaps",
        "DELETE FROM ledger.events WHERE seq = 4",
        "event 4 is missing",
    ),
    (
        "log_has_no_gaps",
        "DELETE FROM ledger.events WHERE seq IN (8, 9)",
        "events 8 to 9 are missing",
    ),
    (
        "hash_chain_holds",
        "UPDATE ledger.events SET data = replace(data, '25.50', '26.50') WHERE seq = 6",
        "event 6: its hash is",
    ),
    (
        "hash_chain_holds",
        "UPDATE ledger.events SET hash = sha256('x') WHERE seq = 3",
        "event 4: its hash is",
    ),
    (
        "time_never_runs_backwards",
        "UPDATE ledger.events SET posted_at = posted_at - interval '1 hour' WHERE seq = 7",
        "event 7 is of",
    ),
    (
        "data_says_what_the_columns_say",
        "UPDATE ledger.events SET event_id = '01900000-0000-7000-8000-000000000000' WHERE seq = 6",
        "event 6: the data says id evt_",
    ),
    (
        "data_says_what_the_columns_say",
        "UPDATE ledger.events SET subject = 'ledger.v1.deposit.posted.03' WHERE seq = 6",
        "the data says type florin.ledger.transfer.posted.v1",
    ),
    (
        "data_says_what_the_columns_say",
        "UPDATE ledger.events SET data = replace(data, '\"seq\":6', '\"seq\":5') WHERE seq = 6",
        "event 6: the data says seq 5, the row 6",
    ),
    (
        "data_says_what_the_columns_say",
        "UPDATE ledger.events SET posted_at = posted_at + interval '1 us' WHERE seq = 10",
        "event 10: the data says posted_at",
    ),
    (
        "postings_are_the_legs",
        "UPDATE ledger.events SET data = replace(data, '\"25.50\"', '\"26.50\"') WHERE seq = 6",
        "event 6: the data has a leg that is no posting: 26.50 EUR",
    ),
    (
        "postings_are_the_legs",
        "DELETE FROM ledger.postings WHERE seq = 7 AND amount > 0",
        "event 7: the data has a leg that is no posting: 10.00 EUR",
    ),
    (
        "postings_are_the_legs",
        "INSERT INTO ledger.postings SELECT wallet_id, account, currency, version + 9, seq,
             transaction_id, amount, balance_after FROM ledger.postings WHERE seq = 7",
        "event 7: there is a posting that is no leg of the data: 10.00 EUR",
    ),
    (
        "postings_count_when_their_events_say",
        "UPDATE ledger.postings SET kind = 'payment' WHERE seq = 6",
        "event 6: the data says",
    ),
    (
        "postings_count_when_their_events_say",
        "UPDATE ledger.postings SET effective_at = effective_at - interval '1 us' WHERE seq = 6",
        "event 6: the data says",
    ),
    (
        "postings_count_when_their_events_say",
        "UPDATE ledger.postings SET backdated = NOT backdated WHERE seq = 6",
        "a posting says otherwise",
    ),
    (
        "wallets_may_what_their_account_may",
        "UPDATE ledger.accounts SET restrictions = 4, status = 'suspended' WHERE owner = 'ann'",
        "of \"ann\": its restrictions are 0, those of the account 4",
    ),
    (
        "wallets_may_what_their_account_may",
        "UPDATE ledger.balances SET restrictions = 17 WHERE currency = 'KRW' AND account = 'main'",
        "its restrictions are 17, those of the wallet 0",
    ),
    (
        "answers_tell_their_events",
        "UPDATE ledger.answers SET body = replace(body, '\"25.50\"', '\"26.50\"') WHERE seq = 6",
        "event 6: its answer says legs that are not the event's",
    ),
    (
        "answers_tell_their_events",
        "UPDATE ledger.answers SET status = 201 WHERE seq = 9",
        "event 9: its answer says status 201, the event is florin.ledger.withdrawal.rejected.v1",
    ),
    (
        "wallets_come_from_the_log",
        "UPDATE ledger.wallets SET status = 'closed' WHERE id = '00000000-0000-7000-8000-00000000000a'",
        "the system's wal_0000000000007000800000000000000a is changed",
    ),
    (
        "data_says_what_the_columns_say",
        "UPDATE ledger.events SET subject = left(subject, -2) || '99' WHERE seq = 6",
        "event 6: the data says subject ledger.v1.transfer.posted.",
    ),
    (
        "wallets_are_those_the_log_opened",
        "UPDATE ledger.wallets SET metadata = '{\"a\":\"b\"}' WHERE owner = 'ann'",
        "for \"ann\": its row is missing or says otherwise",
    ),
    (
        "wallets_are_those_the_log_opened",
        "UPDATE ledger.wallets SET owner = 'eve' WHERE owner = 'ann'",
        "for \"ann\": its row is missing or says otherwise",
    ),
];

/// The same for the laws about workers, on a ledger whose worker has counted everything.
pub const PLANTED_AT_THE_WORKER: &[(&str, &str, &str)] = &[
    (
        "inbox_is_within_the_log",
        "UPDATE analytics.inbox SET done = '{[1,13)}'",
        "analytics claims to have handled {[11,13)} of ledger, the log has [1,11)",
    ),
    (
        "inbox_is_within_the_log",
        "UPDATE analytics.inbox SET done = '{[-4,11)}'",
        "analytics claims to have handled {[-4,1)}",
    ),
    (
        "troubled_events_are_marked",
        "UPDATE analytics.inbox SET done = '{[1,6),[7,11)}';
         INSERT INTO analytics.retrying VALUES
             ('analytics', 'ledger', 6, '', '{}', '', 1, now(), now(), now(), '')",
        "analytics retries event 6 without having marked it",
    ),
    (
        "dead_letters_are_settled_once",
        "INSERT INTO analytics.dead_letters (id, consumer, source, seq, subject, noun_verb,
             headers, data, reason, error, attempts, first_at, last_at, state)
         VALUES ('00000000-0000-0000-0000-000000000007', 'analytics', 'ledger', 5, '', '', '{}',
             '', '', '', 1, now(), now(), 'replayed');
         INSERT INTO analytics.dead_letter_history (dead_letter, at, action, by, note)
         SELECT id, now(), unnest(ARRAY['replayed', 'discarded']), '', ''
         FROM analytics.dead_letters",
        "dlt_00000000000000000000000000000007 as replayed, and its history settles it 2 times",
    ),
    (
        "tallies_are_what_was_counted",
        "UPDATE analytics.tallies SET amount = amount + 1 WHERE category = 'paid' AND currency = 'EUR'",
        "paid EUR: the worker counted 1 with 11.00, the postings are 1 with 10.00",
    ),
    (
        "tallies_are_what_was_counted",
        "DELETE FROM analytics.tallies WHERE category = 'transferred_in'",
        "transferred_in EUR: the worker counted 0 with 0, the postings are 1 with 25.50",
    ),
    (
        "tallies_are_what_was_counted",
        "UPDATE analytics.inbox SET done = '{[1,6),[7,11)}'",
        "transferred_out EUR: the worker counted 1 with 25.50",
    ),
    (
        "activity_is_what_was_seen",
        "UPDATE analytics.activity SET first_seen_at = first_seen_at - interval '1 day'",
        "the worker saw it from",
    ),
];

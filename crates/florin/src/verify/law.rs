//! The laws that can be proven from the tables alone: for each a name, what it proves, and the
//! SQL that finds what breaks it.
//!
//! A law's SQL returns one text per violation and nothing when the law holds. It shares no code
//! with the services: it would not notice a fault that it has in common with them.

use serde::Serialize;

/// Violations that are shown; all are counted.
pub const EVIDENCE_MAX: usize = 10;

/// One law.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Law {
    /// The name: the claim that holds.
    pub name: &'static str,
    /// What follows from it, for people.
    pub proves: &'static str,
    /// The SQL: evidence and the number of all violations.
    #[serde(skip)]
    pub(super) sql: &'static str,
}

macro_rules! laws {
    ($($name:literal: $proves:literal;)*) => {
        &[$(Law {
            name: $name,
            proves: $proves,
            sql: concat!(
                "WITH violation(evidence) AS (\n",
                include_str!(concat!("laws/", $name, ".sql")),
                "\n) SELECT evidence, count(*) OVER () AS found FROM violation LIMIT 10"
            ),
        }),*]
    };
}

/// Proven in one snapshot: balances move while we look.
pub const BOOKS: &[Law] = laws! {
    "books_sum_to_zero": "In every currency, all accounts together hold exactly nothing.";
    "balances_are_their_postings": "Every balance is the sum of its postings.";
    "balance_chains_are_whole": "The postings of every balance count 1, 2, 3, … and add up one by one.";
    "held_is_what_holds_have_left": "What is held of a balance is what its open holds have left, and what its postings changed.";
    "holds_were_placed_and_told": "Every hold was placed once, what it says was captured was posted, and its end was told.";
    "no_balance_below_its_floor": "No balance is below what it may owe, and nothing negative is held.";
    "head_is_the_last_event": "The head of the log is its last event.";
    "postings_belong_to_events": "No money moved without an event.";
    "answers_belong_to_events": "Every stored answer is about an event, and no event has two.";
    "keys_have_answers": "Every idempotency key that was claimed has its own answer.";
    "quotes_are_executed_once": "Every exchange is by a quote of its own, and moves what it promised.";
    "held_follows_from_its_postings": "What is held is what the postings of the balance add up to.";
    "wallets_are_as_events_left_them": "No wallet is frozen, closed or given credit without an event.";
    "wallets_come_from_the_log": "There are as many wallets as the log opened.";
    "orders_were_paid": "Every order that is marked as paid was paid, under its answer.";
    "corrections_are_what_was_posted": "What is held as paid back or undone is what refunds and reversals did, each once.";
    "fee_rules_are_those_of_the_log": "Fee rules begin, end and say what the log says.";
    "wallets_may_what_their_account_may": "What holds for an account holds for each of its wallets and balances.";
};

/// Proven in slices of the log, which never changes: `$1` and `$2` are a slice's first and last
/// seq, `$3` the events whose data is not JSON.
pub const LOG: &[Law] = laws! {
    "log_has_no_gaps": "The log counts 1, 2, 3, … to its head.";
    "hash_chain_holds": "No event was changed, removed or inserted after it was written.";
    "time_never_runs_backwards": "Events are in order of their time.";
    "data_says_what_the_columns_say": "What is sent to consumers names the event as the log does.";
    "transactions_balance": "The postings of every transaction sum to zero in every currency.";
    "postings_are_the_legs": "The events tell exactly the movements that were posted.";
    "payments_have_their_orders": "Every payment of an order marked it as paid.";
    "holds_are_as_the_log_tells": "What the log tells about a hold is what it is.";
    "postings_count_when_their_events_say": "Balances and statements of the past count every movement when it counts.";
    "answers_tell_their_events": "What callers were told, and are told again under the same key, is what happened.";
    "wallets_are_those_the_log_opened": "Every wallet that the log opened is there as it was opened.";
};

/// Part of the slices, but found while reading and not by SQL.
pub const DATA_IS_JSON: Law = Law {
    name: "data_is_json",
    proves: "What is sent to consumers can be read.",
    sql: "SELECT count(data::jsonb) FROM ledger.events WHERE seq BETWEEN $1 AND $2",
};

/// Proven for each worker, in the same snapshot as the books; names without a schema are the
/// worker's.
pub const CONSUMERS: &[Law] = laws! {
    "inbox_is_within_the_log": "No consumer handled an event that does not exist.";
    "troubled_events_are_marked": "An event that was given up or is retried is marked as handled, and is one of the two.";
    "dead_letters_are_settled_once": "Every dead letter that was replayed or discarded was so once, and its history says by whom.";
};

/// Proven for analytics: its read model is what its inbox says it has seen.
pub const PROJECTIONS: &[Law] = laws! {
    "tallies_are_what_was_counted": "The statistics are the sums over exactly the events that were counted.";
    "activity_is_what_was_seen": "First and last activity are those of exactly the events that were counted.";
};

/// Proven for each worker that publishes: its own log is whole.
pub const OWN_LOGS: &[Law] = laws! {
    "own_log_has_no_gaps": "What a worker publishes counts 1, 2, 3, … to its head.";
    "own_chain_holds": "Nothing that a worker published was changed, removed or inserted.";
};

/// Proven for fraud.
pub const ALERTS: &[Law] = laws! {
    "alerts_belong_to_events": "Every alert is about an event that happened, and was told once.";
};

/// Proven for settlement: items are the payments, and every one is settled at most once.
pub const SETTLEMENTS: &[Law] = laws! {
    "payments_are_items": "The items are exactly the payments that were handled, to the last digit.";
    "sums_are_what_was_counted": "The sums of tie-outs are those over exactly the events that were handled.";
    "batches_are_their_items": "Every batch is the sum of its items, which lie before its cut.";
    "no_item_is_left_behind": "No item is where no cut would look for it.";
    "batches_were_told": "Every batch was told once, as it is.";
    "no_break_is_open": "The last tie-out found balances, postings and events to agree.";
};

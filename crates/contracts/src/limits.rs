//! Limits that a client or a consumer can meet, each with its reason. One table gives the
//! documentation too.

use std::time::Duration;

/// A request body. A payment with the largest metadata is a tenth of it.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Operations of one batch request: what one transaction posts in well under a second, and half of
/// what may wait for the lanes, so that one client's batch leaves room for the others.
pub const BATCH_OPERATIONS_MAX: usize = 1_000;
/// The body of a batch request: a thousand operations of a kilobyte each. A transfer takes 250
/// bytes; operations with large metadata come in smaller batches.
pub const BATCH_BODY_BYTES_MAX: usize = 1024 * 1024;
/// An event as stored and sent. nats-server's default `max_payload` is 1 MiB; a quarter of it
/// leaves room for headers and for a server configured more tightly. A command whose event
/// could exceed it is refused at parse, because the relay can never skip a sequence number.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;
/// Characters of an `Idempotency-Key`: what payment APIs commonly take; it is a primary key.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
/// Characters of an owner, reference or order reference: they are indexed.
pub const REFERENCE_CHARS_MAX: usize = 255;
/// Characters of a description: a line that a person reads.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// Characters of a merchant's category: a word, not a sentence.
pub const CATEGORY_CHARS_MAX: usize = 40;
/// Fee rules that are active at a time: every movement looks at all of them. A table of fees that
/// people can still read has a tenth of it.
pub const FEE_RULES_MAX: usize = 500;
/// How long a hold lasts when the caller does not say: what cards usually give a merchant to ship.
pub const HOLD_AGE_DEFAULT: Duration = Duration::from_hours(7 * 24);
/// How long a hold may last: money that nobody may use is somebody's, and a month covers a stay in
/// a hotel or a rented car.
pub const HOLD_AGE_MAX: Duration = Duration::from_hours(31 * 24);
/// Entries of a metadata map, so that an event stays far below [`EVENT_BYTES_MAX`].
pub const METADATA_ENTRIES_MAX: usize = 20;
/// Characters of a metadata key.
pub const METADATA_KEY_CHARS_MAX: usize = 40;
/// Characters of a metadata value.
pub const METADATA_VALUE_CHARS_MAX: usize = 500;
/// Rates of one call: with the longest values they still fit [`BODY_BYTES_MAX`], and their event
/// [`EVENT_BYTES_MAX`].
pub const RATES_MAX: usize = 500;
/// Significant digits of a rate, as it is given and as it is computed: more than any market
/// quotes, and few enough that a rate of any size is exact in the 28 digits of a decimal.
pub const RATE_DIGITS_MAX: u32 = 18;
/// Decimals of a rate as it is given: the smallest is 10^-12, a thousandth of what the cheapest
/// currency is worth in the dearest.
pub const RATE_SCALE_MAX: u32 = 12;
/// Digits of a rate before the point: the largest is below 10^12, for the same reason.
pub const RATE_WHOLE_DIGITS_MAX: u32 = 12;
/// The largest spread in percent: beyond half of the value it is a typing error.
pub const SPREAD_PERCENT_MAX: u32 = 50;
/// Decimals of a spread in percent: a hundredth of a basis point.
pub const SPREAD_SCALE_MAX: u32 = 4;
/// Items of one page of a list.
pub const PAGE_ITEMS_MAX: u16 = 200;
/// Items of a page when the caller does not say.
pub const PAGE_ITEMS_DEFAULT: u16 = 50;
/// Lines of one answer of a statement: what a person scrolls through, and at about 400 bytes a
/// line well below a megabyte.
pub const STATEMENT_LINES_MAX: u16 = 1_000;
/// Entries that one page of a filtered list looks at, so that a filter that nothing passes costs
/// some tens of milliseconds and no more, however long the history is. A page that ends there has
/// fewer items than asked for, and a cursor.
pub const ENTRIES_EXAMINED_MAX: u32 = 20_000;
/// Entries that totals of a history add up: about a second of work. Beyond them the totals are
/// refused and a shorter period is asked for.
pub const ENTRIES_TOTALLED_MAX: u32 = 200_000;
/// Wallets that the summary of an account lists. Its totals are over all of them.
pub const SUMMARY_WALLETS_MAX: u16 = 200;
/// Transactions that a summary shows: what fits on a screen.
pub const SUMMARY_TRANSACTIONS_MAX: u16 = 10;
/// Days of what a summary adds up.
pub const SUMMARY_DAYS: u32 = 30;
/// Events of one `rpc.ledger.events` answer: what a worker applies in one transaction.
pub const RPC_EVENTS_MAX: u32 = 500;
/// Bytes of event data in one `rpc.ledger.events` answer, so that it fits a NATS message even
/// after JSON has escaped every quotation mark; one event always fits.
pub const RPC_EVENTS_BYTES_MAX: usize = 400 * 1024;
/// Bytes of a dead letter's data that are shown: a whole event, and what still fits a NATS message
/// as base64 when somebody else published the message.
pub const DEAD_LETTER_BYTES_SHOWN_MAX: usize = 512 * 1024;
/// Characters of the reason that somebody gives for acting on a dead letter: a line or two that a
/// person reads in the history.
pub const ACTION_REASON_CHARS_MAX: usize = 500;
/// Shards of a subject. They only spread load; sixteen consumers are more than one wallet
/// system's workers need, and a literal two-digit token stays readable.
pub const SUBJECT_SHARDS: u8 = 16;
/// How long a stream keeps events. The log in Postgres keeps them for ever.
pub const STREAM_AGE_MAX: Duration = Duration::from_hours(7 * 24);
/// Bytes of one event stream: about ten million events of 800 bytes. Discard is `old`: the
/// relay must never be blocked by consumers, who can read what they missed from the log.
pub const STREAM_BYTES_MAX: i64 = 8 * 1024 * 1024 * 1024;
/// Bytes of one dead-letter stream. Postgres keeps the dead letters; the stream announces them.
pub const DLQ_STREAM_BYTES_MAX: i64 = 1024 * 1024 * 1024;
/// How long nats-server remembers a `Nats-Msg-Id`: it covers the relay's retries only; the
/// inbox is what makes effects happen once.
pub const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);
/// Time a worker has for a delivered batch before nats-server offers it to another instance:
/// longer than the slowest statement timeout, short enough that a dead worker is not missed.
pub const ACK_WAIT: Duration = Duration::from_secs(30);
/// Unacknowledged messages of one consumer: four pulled batches, so that one slow batch does
/// not stall its neighbours and memory stays bounded however large the backlog is.
pub const ACK_PENDING_MAX: i64 = 2_000;
/// Messages of one pull and one worker transaction.
pub const PULL_BATCH_MAX: usize = 500;

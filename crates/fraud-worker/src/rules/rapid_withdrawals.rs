//! `rapid_withdrawals`, severity high: money is pulled out of a wallet in a hurry.
//!
//! * Counted are **debits**: withdrawals and transfers out of one wallet, together and whatever
//!   their currency. Payments are not, nor is what comes in, nor what was rejected.
//! * Time is event time (`effective_at`), in microseconds.
//! * The **window** of a debit `e` is `(e - 60 s, e]`: a debit exactly 60 seconds earlier is
//!   outside, one at the same moment is inside.
//! * An alert is raised for **each** debit whose window holds at least three debits, itself
//!   included. Three debits at one moment are three alerts.
//! * A debit that arrives late counts in the windows of all later debits that were seen before
//!   it, and their alerts are raised then.
//!
//! So the alerts are a function of the set of debits, and no order, cut into batches or
//! repetition changes it. Evidence is the window as it is known when somebody asks: how many,
//! and which were the latest.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use contracts::WalletId;

use super::{Flow, Movement};

/// The length of the window. Shorter, and a person who repeats a failed payout is nobody's
/// worry; longer, and every busy evening is an alert.
pub const WINDOW: TimeDelta = TimeDelta::seconds(60);
/// The same, as alerts say it.
pub const WINDOW_SECONDS: u32 = 60;
/// Debits in a window from which on it is rapid. Two happen by mistake.
pub const DEBITS_MIN: usize = 3;

/// A part of a wallet's time that new debits lie in, from the first to the last of them.
///
/// To find every window that they fill it is enough to look at the debits of the span itself and
/// at [`NEIGHBOURS`] on each side, however many there are: two before it fill a window with the
/// next one; and of those after it, the third has a window that was full before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Whose.
    pub wallet: WalletId,
    /// The first new debit.
    pub first: DateTime<Utc>,
    /// The last new debit.
    pub last: DateTime<Utc>,
}

/// Debits on each side of a span that can matter: one less than fill a window.
pub const NEIGHBOURS: usize = DEBITS_MIN - 1;

impl Span {
    /// Before everything that shares a window with the span.
    pub fn after(&self) -> DateTime<Utc> {
        earlier(self.first)
    }

    /// After everything that shares a window with the span.
    pub fn before(&self) -> DateTime<Utc> {
        later(self.last)
    }
}

/// The spans of `debits`. Those that could share a window are one.
pub fn spans(debits: &[Movement]) -> Vec<Span> {
    let mut by_wallet: BTreeMap<WalletId, Vec<DateTime<Utc>>> = BTreeMap::new();
    for debit in debits {
        by_wallet
            .entry(debit.wallet)
            .or_default()
            .push(debit.effective_at);
    }
    let mut spans: Vec<Span> = Vec::new();
    for (wallet, mut times) in by_wallet {
        times.sort_unstable();
        for at in times {
            match spans.last_mut() {
                Some(span) if span.wallet == wallet && earlier(at) < span.before() => {
                    span.last = at;
                }
                _ => spans.push(Span {
                    wallet,
                    first: at,
                    last: at,
                }),
            }
        }
    }
    spans
}

/// Those debits whose window is full. A window of which only a part is given finds less, never
/// more.
pub fn check(debits: &[Movement]) -> Vec<Movement> {
    let mut by_wallet: BTreeMap<WalletId, Vec<&Movement>> = BTreeMap::new();
    for debit in debits.iter().filter(|debit| debit.flow == Flow::Debit) {
        by_wallet.entry(debit.wallet).or_default().push(debit);
    }
    let mut found = Vec::new();
    for mut debits in by_wallet.into_values() {
        debits.sort_unstable_by_key(|debit| (debit.effective_at, debit.event));
        debits.dedup_by_key(|debit| debit.event);
        for debit in &debits {
            let start = earlier(debit.effective_at);
            let outside = debits.partition_point(|other| other.effective_at <= start);
            let upto = debits.partition_point(|other| other.effective_at <= debit.effective_at);
            if upto - outside >= DEBITS_MIN {
                found.push(**debit);
            }
        }
    }
    found
}

/// At the ends of time a window is shorter.
fn earlier(at: DateTime<Utc>) -> DateTime<Utc> {
    at.checked_sub_signed(WINDOW)
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

fn later(at: DateTime<Utc>) -> DateTime<Utc> {
    at.checked_add_signed(WINDOW)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests;

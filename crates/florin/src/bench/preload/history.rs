//! What happened in a ledger that is old: pure arithmetic, so that every table can be written by
//! itself, and all at the same time.
//!
//! Every wallet is opened, gets money once, and then a cent goes around, some times: each wallet
//! passes it on to the next. So everything about the event at a position follows from the position.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::event::WalletCreated;
use contracts::{Account, EventId, Kind, LedgerEvent, Leg, Posted, TransactionId, WalletId};
use ledger_api::domain::SystemShard;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Postings of each wallet: its deposit has two, and so has what it sends in each round.
pub const ENTRIES_PER_WALLET: u64 = 2 + 2 * ROUNDS;
/// How often money goes around.
pub const ROUNDS: u64 = 4;
/// Cents that each wallet gets: less than a fraud rule finds large.
const DEPOSIT_CENTS: i64 = 100_000;
/// Ids of templates, which no event keeps: an event's, a wallet's, a transaction's.
const NOBODY: (&str, &str, &str) = (
    "evt_00000000000000000000000000000000",
    "wal_00000000000000000000000000000000",
    "txn_00000000000000000000000000000000",
);
/// Cents that go around.
const TRANSFER_CENTS: i64 = 1;

/// The history of so many wallets.
#[derive(Debug, Clone)]
pub struct History {
    wallets: u64,
    begins: DateTime<Utc>,
    opened: WalletCreated,
    posted: Posted,
    leg: Leg,
}

/// One side of a transaction, as its posting has it; events say less of the system's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Whose balance.
    pub wallet: WalletId,
    /// Which of its accounts.
    pub account: Account,
    /// What it changes by.
    pub amount: Decimal,
    /// The balance afterwards.
    pub balance_after: Decimal,
    /// The balance's version afterwards.
    pub version: u64,
}

/// A balance at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Whose.
    pub wallet: WalletId,
    /// Which account.
    pub account: Account,
    /// What is in it.
    pub posted: Decimal,
    /// How often it changed.
    pub version: u64,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Opened(u64),
    Deposited(u64),
    Sent { round: u64, from: u64 },
}

impl History {
    /// A history of about so many entries that begins at a time.
    pub fn new(entries: u64, begins: DateTime<Utc>) -> Self {
        Self {
            wallets: (entries / ENTRIES_PER_WALLET).max(2),
            // The tables keep microseconds; whole ones are told apart from nothing.
            begins: begins - TimeDelta::nanoseconds(i64::from(begins.timestamp_subsec_nanos())),
            opened: template(json!({
                "id": NOBODY.0, "type": "florin.ledger.wallet.created.v1", "seq": 0, "wallet": NOBODY.1,
                "owner": "", "kind": "customer", "posted_at": DateTime::UNIX_EPOCH,
            })),
            posted: template(json!({
                "id": NOBODY.0, "type": "florin.ledger.deposit.posted.v1", "seq": 0,
                "transaction": NOBODY.2, "kind": "deposit", "legs": [],
                "effective_at": DateTime::UNIX_EPOCH, "posted_at": DateTime::UNIX_EPOCH,
            })),
            leg: template(json!({ "account": "main", "currency": "EUR", "amount": "0.00" })),
        }
    }

    /// How many wallets there are.
    pub fn wallets(&self) -> u64 {
        self.wallets
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        self.wallets * ENTRIES_PER_WALLET
    }

    /// The last position of the log.
    pub fn head(&self) -> u64 {
        self.wallets * (2 + ROUNDS)
    }

    /// The position of the first transaction.
    pub fn first_transaction(&self) -> u64 {
        self.wallets + 1
    }

    /// When the event at a position was written: a millisecond after the one before, and each round
    /// a day later, which no fraud rule finds rapid.
    pub fn at(&self, seq: u64) -> DateTime<Utc> {
        let days = TimeDelta::days(((seq - 1) / self.wallets).cast_signed());
        self.begins + days + TimeDelta::milliseconds(seq.cast_signed())
    }

    /// The wallet of a number.
    pub fn wallet(&self, number: u64) -> WalletId {
        let seq = number + 1;
        WalletId::mint(self.at(seq), entropy(seq))
    }

    /// Whose tokens may use it.
    pub fn owner(number: u64) -> String {
        format!("old-{number}")
    }

    /// The id of the event at a position.
    pub fn event_id(&self, seq: u64) -> EventId {
        EventId::mint(self.at(seq), entropy(seq))
    }

    /// The id of the transaction at a position.
    pub fn transaction(&self, seq: u64) -> TransactionId {
        TransactionId::mint(self.at(seq), entropy(seq))
    }

    /// The two sides of the transaction at a position; debited first.
    pub fn entries_at(&self, seq: u64) -> Option<[Entry; 2]> {
        match self.step(seq) {
            Step::Opened(_) => None,
            Step::Deposited(number) => Some(self.deposit(number)),
            Step::Sent { round, from } => Some(self.transfer(round, from)),
        }
    }

    /// The wallet that sends money at a position.
    pub fn sender(&self, seq: u64) -> Option<WalletId> {
        match self.step(seq) {
            Step::Sent { from, .. } => Some(self.wallet(from)),
            Step::Opened(_) | Step::Deposited(_) => None,
        }
    }

    /// The event at a position.
    pub fn event(&self, seq: u64) -> LedgerEvent {
        let posted_at = self.at(seq);
        if let Step::Opened(number) = self.step(seq) {
            return LedgerEvent::WalletCreated(WalletCreated {
                id: self.event_id(seq),
                seq,
                wallet: self.wallet(number),
                owner: Self::owner(number),
                posted_at,
                ..self.opened.clone()
            });
        }
        let kind = match self.step(seq) {
            Step::Deposited(_) => Kind::Deposit,
            Step::Opened(_) | Step::Sent { .. } => Kind::Transfer,
        };
        let entries = self.entries_at(seq).into_iter().flatten();
        LedgerEvent::Posted(Posted {
            id: self.event_id(seq),
            event_type: kind.posted(),
            seq,
            transaction: self.transaction(seq),
            kind,
            effective_at: posted_at,
            posted_at,
            legs: entries.map(|entry| self.leg(&entry)).collect(),
            ..self.posted.clone()
        })
    }

    /// Every balance at the end: the wallets', then the system's.
    pub fn balances(&self) -> impl Iterator<Item = Balance> + '_ {
        let own = (0..self.wallets).map(|number| Balance {
            wallet: self.wallet(number),
            account: Account::Main,
            posted: cents(DEPOSIT_CENTS),
            version: 1 + 2 * ROUNDS,
        });
        let shards = u64::from(SystemShard::COUNT);
        let used = (0..shards.min(self.wallets)).map(move |shard| {
            let deposits = (self.wallets - shard).div_ceil(shards);
            Balance {
                wallet: system(shard),
                account: Account::Funding,
                posted: cents(-DEPOSIT_CENTS * deposits.cast_signed()),
                version: deposits,
            }
        });
        own.chain(used)
    }

    /// What one wallet's deposit, what it sent and what it received add up to.
    pub fn tallies() -> [(&'static str, u64, Decimal); 3] {
        let around = cents(TRANSFER_CENTS * ROUNDS.cast_signed());
        [
            ("deposited", 1, cents(DEPOSIT_CENTS)),
            ("transferred_in", ROUNDS, around),
            ("transferred_out", ROUNDS, around),
        ]
    }

    /// When a wallet first and last moved money.
    pub fn activity(&self, number: u64) -> (DateTime<Utc>, DateTime<Utc>) {
        // The first of a round receives at the round's end what the others have received before.
        let last = if number == 0 {
            self.wallets - 1
        } else {
            number
        };
        let rounds = ROUNDS + 1;
        (
            self.at(self.first_transaction() + number),
            self.at(self.wallets * rounds + last + 1),
        )
    }

    fn step(&self, seq: u64) -> Step {
        let (stage, number) = ((seq - 1) / self.wallets, (seq - 1) % self.wallets);
        match stage {
            0 => Step::Opened(number),
            1 => Step::Deposited(number),
            _ => Step::Sent {
                round: stage - 2,
                from: number,
            },
        }
    }

    fn deposit(&self, number: u64) -> [Entry; 2] {
        let shards = u64::from(SystemShard::COUNT);
        let nth = number / shards + 1;
        let funding = Entry {
            wallet: system(number % shards),
            account: Account::Funding,
            amount: cents(-DEPOSIT_CENTS),
            balance_after: cents(-DEPOSIT_CENTS * nth.cast_signed()),
            version: nth,
        };
        let own = Entry {
            wallet: self.wallet(number),
            account: Account::Main,
            amount: cents(DEPOSIT_CENTS),
            balance_after: cents(DEPOSIT_CENTS),
            version: 1,
        };
        [funding, own]
    }

    /// In a round everybody receives and then sends, but for the first, who begins it.
    fn transfer(&self, round: u64, from: u64) -> [Entry; 2] {
        let to = (from + 1) % self.wallets;
        let before = 1 + 2 * round;
        let entry = |number, amount, (balance, change)| Entry {
            wallet: self.wallet(number),
            account: Account::Main,
            amount: cents(amount),
            balance_after: cents(balance),
            version: before + change,
        };
        let sent = match from {
            0 => (DEPOSIT_CENTS - TRANSFER_CENTS, 1),
            _ => (DEPOSIT_CENTS, 2),
        };
        let received = match to {
            0 => (DEPOSIT_CENTS, 2),
            _ => (DEPOSIT_CENTS + TRANSFER_CENTS, 1),
        };
        [
            entry(from, -TRANSFER_CENTS, sent),
            entry(to, TRANSFER_CENTS, received),
        ]
    }

    fn leg(&self, entry: &Entry) -> Leg {
        let own = entry.account == Account::Main;
        Leg {
            wallet: own.then_some(entry.wallet),
            account: entry.account,
            amount: entry.amount,
            balance_after: own.then_some(entry.balance_after),
            version: own.then_some(entry.version),
            ..self.leg.clone()
        }
    }
}

/// An event, or a part of one, with what it does not have left out.
fn template<T: DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("what is missing is optional")
}

fn system(shard: u64) -> WalletId {
    let lane = u8::try_from(shard % u64::from(SystemShard::COUNT)).expect("sixteen are few");
    SystemShard::of_lane(lane).wallet()
}

fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

/// No two positions have the same.
fn entropy(seq: u64) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&seq.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Played event by event, it comes to the same balances, statistics and times.
    #[test]
    fn a_history_is_what_its_events_add_up_to() {
        for wallets in [2, 3, 40] {
            let history = History::new(wallets * ENTRIES_PER_WALLET, DateTime::UNIX_EPOCH);
            let (mut balances, mut seen) = (HashMap::new(), HashMap::new());
            let mut before = history.at(1);
            for seq in 1..=history.head() {
                assert!(history.at(seq) >= before, "time runs backwards at {seq}");
                before = history.at(seq);
                let entries = history.entries_at(seq).into_iter().flatten();
                let mut sum = Decimal::ZERO;
                for entry in entries {
                    let key = (entry.wallet, entry.account);
                    let balance = balances.entry(key).or_insert((Decimal::ZERO, 0));
                    *balance = (balance.0 + entry.amount, balance.1 + 1);
                    assert_eq!(*balance, (entry.balance_after, entry.version), "{seq}");
                    sum += entry.amount;
                    let times = seen.entry(entry.wallet).or_insert((before, before));
                    times.1 = before;
                }
                assert_eq!(sum, Decimal::ZERO, "{seq}");
            }
            let said: HashMap<_, _> = history
                .balances()
                .map(|it| ((it.wallet, it.account), (it.posted, it.version)))
                .collect();
            assert_eq!(said, balances, "{wallets} wallets");
            for number in 0..wallets {
                assert_eq!(history.activity(number), seen[&history.wallet(number)]);
            }
        }
    }
}

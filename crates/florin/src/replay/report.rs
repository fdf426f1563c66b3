//! What came of a replay.

use std::collections::BTreeMap;
use std::fmt;

use contracts::{Currency, Kind, Money};
use serde::Serialize;

use super::row::Row;
use crate::output::{align_right, grouped, grouped_amount, table};

/// Mismatches that people are shown; the JSON has all.
const SHOWN_MAX: usize = 20;

/// What came of a replay; its JSON is a public format.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Rows of the file.
    pub rows: usize,
    /// Rows that moved money now.
    pub applied: usize,
    /// Rows that had been answered before.
    pub replayed: usize,
    /// Rows that the ledger decided against, by code.
    pub refused: BTreeMap<String, usize>,
    /// Rows after which our balance is not theirs, in file order.
    pub mismatches: Vec<Mismatch>,
    /// How long it took.
    pub seconds: f64,
    /// What moved now: how often and how much.
    #[serde(skip)]
    pub(super) totals: BTreeMap<(Kind, Currency), (u64, Option<Money>)>,
}

/// A row after which our balance is not theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// Its place in the file; the first row below the header is 1.
    pub row: usize,
    /// Its reference.
    pub reference: String,
    /// The wallet's reference.
    pub wallet: String,
    /// Our balance after it.
    pub ours: String,
    /// The file's.
    pub theirs: String,
}

/// What came of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It moved money, and the wallet then held this.
    Applied(Option<Money>),
    /// It had been answered before.
    Replayed,
    /// The ledger decided against it, with this code.
    Refused(String),
}

impl Report {
    /// Counts a row, and compares balances where there are two.
    pub(super) fn add(&mut self, row: &Row, outcome: Outcome) {
        match outcome {
            Outcome::Replayed => self.replayed += 1,
            Outcome::Refused(code) => *self.refused.entry(code).or_default() += 1,
            Outcome::Applied(ours) => {
                self.applied += 1;
                self.total(row);
                if let (Some(ours), Some(theirs)) = (ours, row.balance_after)
                    && ours != theirs
                {
                    self.mismatches.push(Mismatch {
                        row: row.number,
                        reference: row.reference.clone(),
                        wallet: row.wallet.clone(),
                        ours: ours.to_string(),
                        theirs: theirs.to_string(),
                    });
                }
            }
        }
    }

    /// A sum that is too large to be exact is not shown.
    fn total(&mut self, row: &Row) {
        let currency = row.amount.currency();
        let nothing = || (0, Some(Money::zero(currency)));
        let (count, sum) = self
            .totals
            .entry((row.kind, currency))
            .or_insert_with(nothing);
        *count += 1;
        *sum = sum.and_then(|sum| sum.checked_add(row.amount).ok());
    }

    /// Rows come in as they are answered; people read them in file order.
    pub(super) fn sort(&mut self) {
        self.mismatches.sort_by_key(|mismatch| mismatch.row);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut outcomes = table(&["", "rows"]);
        for (name, rows) in [("applied", self.applied), ("replayed", self.replayed)] {
            outcomes.add_row([name.to_owned(), grouped(rows as u64)]);
        }
        for (code, rows) in &self.refused {
            outcomes.add_row([format!("refused: {code}"), grouped(*rows as u64)]);
        }
        outcomes.add_row(["all".to_owned(), grouped(self.rows as u64)]);
        align_right(&mut outcomes, &[1]);
        writeln!(f, "{outcomes}\n")?;
        if !self.totals.is_empty() {
            let mut moved = table(&["moved now", "rows", "amount", ""]);
            for ((kind, currency), (count, sum)) in &self.totals {
                let sum =
                    sum.map_or_else(|| "too large".to_owned(), |s| grouped_amount(s.amount()));
                moved.add_row([
                    kind.as_str().to_owned(),
                    grouped(*count),
                    sum,
                    currency.to_string(),
                ]);
            }
            align_right(&mut moved, &[1, 2]);
            writeln!(f, "{moved}\n")?;
        }
        self.write_mismatches(f)?;
        write!(
            f,
            "{} rows in {:.1} s",
            grouped(self.rows as u64),
            self.seconds
        )
    }
}

impl Report {
    fn write_mismatches(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mismatches.is_empty() {
            return writeln!(f, "Every balance that was compared is the file's.");
        }
        let mut differing = table(&["row", "reference", "wallet", "ours", "theirs"]);
        for mismatch in self.mismatches.iter().take(SHOWN_MAX) {
            differing.add_row([
                mismatch.row.to_string(),
                mismatch.reference.clone(),
                mismatch.wallet.clone(),
                mismatch.ours.clone(),
                mismatch.theirs.clone(),
            ]);
        }
        align_right(&mut differing, &[0, 3, 4]);
        writeln!(f, "{differing}")?;
        let hidden = self.mismatches.len().saturating_sub(SHOWN_MAX);
        if hidden > 0 {
            writeln!(f, "and {hidden} more")?;
        }
        writeln!(
            f,
            "{} balances are not the file's.\n",
            self.mismatches.len()
        )
    }
}

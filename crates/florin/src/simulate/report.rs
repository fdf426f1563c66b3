//! What a simulated day came to.

use std::collections::BTreeMap;
use std::fmt;

use contracts::{Currency, Kind, WalletId};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::output;

/// Differences that a person is shown; the document has all.
const DIFFERENCES_SHOWN: usize = 20;

/// A day's report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The same seed and sizes give the same day.
    pub seed: u64,
    /// Customers and merchants.
    pub wallets: usize,
    /// Operations, repetitions not counted.
    pub operations: u64,
    /// Operations that were sent twice under one key, and brought one answer.
    pub repeated: u64,
    /// Operations that were there already, from an earlier day of the same plan.
    pub replayed: u64,
    /// What was posted.
    pub posted: Vec<Moved>,
    /// What was refused, by code.
    pub refused: BTreeMap<String, u64>,
    /// What merchants were paid, the most first.
    pub merchants: Vec<Takings>,
    /// The highest sequence number of the day.
    pub last_seq: u64,
    /// How long the operations took.
    pub milliseconds: u64,
    /// How long after the last answer the statistics covered everything.
    pub caught_up_milliseconds: u64,
    /// Answered operations per second, repetitions included.
    pub per_second: u64,
    /// Where the ledger or its statistics are not what the plan says.
    pub differences: Vec<String>,
}

/// What moved, of one kind and currency.
#[derive(Debug, Clone, Serialize)]
pub struct Moved {
    /// What for.
    pub kind: Kind,
    /// Of which currency.
    pub currency: Currency,
    /// How often.
    pub count: u64,
    /// How much.
    pub amount: Decimal,
}

/// What a merchant was paid in one currency.
#[derive(Debug, Clone, Serialize)]
pub struct Takings {
    /// The merchant.
    pub name: String,
    /// Their wallet.
    pub wallet: WalletId,
    /// Of which currency.
    pub currency: Currency,
    /// How many payments.
    pub payments: u64,
    /// How much in all.
    pub amount: Decimal,
}

impl Report {
    /// Everything is as planned.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }

    /// What moved, as a table.
    pub fn posted_table(&self) -> String {
        let mut table = output::table(&["posted", "count", "amount", ""]);
        for moved in &self.posted {
            table.add_row(vec![
                format!("{}s", moved.kind.as_str()),
                output::grouped(moved.count),
                output::grouped_amount(moved.amount),
                moved.currency.to_string(),
            ]);
        }
        output::align_right(&mut table, &[1, 2]);
        table.to_string()
    }

    /// What was refused, as a table.
    pub fn refused_table(&self) -> String {
        let mut table = output::table(&["refused", "count"]);
        for (code, count) in &self.refused {
            table.add_row(vec![code.clone(), output::grouped(*count)]);
        }
        output::align_right(&mut table, &[1]);
        table.to_string()
    }

    /// The merchants who were paid most, as a table.
    pub fn merchants_table(&self, shown: usize) -> String {
        let mut table = output::table(&["merchant", "payments", "was paid", ""]);
        for takings in self.merchants.iter().take(shown) {
            table.add_row(vec![
                takings.name.clone(),
                output::grouped(takings.payments),
                output::grouped_amount(takings.amount),
                takings.currency.to_string(),
            ]);
        }
        output::align_right(&mut table, &[1, 2]);
        table.to_string()
    }

    /// Whether ledger and plan agree, in words.
    pub fn verdict(&self) -> String {
        let wallets = self.wallets;
        if self.is_clean() {
            return format!(
                "All {wallets} wallets and their statistics agree with the simulation's own books."
            );
        }
        let mut lines = vec![format!("{} differences:", self.differences.len())];
        lines.extend(self.differences.iter().take(DIFFERENCES_SHOWN).cloned());
        if self.differences.len() > DIFFERENCES_SHOWN {
            lines.push("…".to_owned());
        }
        lines.join("\n  ")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}\n\n{}\n\n{}\n",
            self.posted_table(),
            self.refused_table(),
            self.merchants_table(10)
        )?;
        writeln!(
            f,
            "{} operations and {} repetitions in {} ms: {} per second (seed {}).",
            output::grouped(self.operations),
            output::grouped(self.repeated),
            output::grouped(self.milliseconds),
            output::grouped(self.per_second),
            self.seed,
        )?;
        if self.replayed > 0 {
            let replayed = output::grouped(self.replayed);
            writeln!(
                f,
                "{replayed} of them were there already: this day was simulated before."
            )?;
        }
        f.write_str(&self.verdict())
    }
}

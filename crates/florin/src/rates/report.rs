//! What came of an import.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::Serialize;

use super::history::History;
use crate::output::{align_right, grouped, table};

/// What came of an import; its JSON is a public format.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Days that the file has rates of.
    pub days: usize,
    /// The first of them.
    pub first: Option<NaiveDate>,
    /// The last of them.
    pub last: Option<NaiveDate>,
    /// Rates of these days.
    pub rates: usize,
    /// Days that were set now.
    pub set: usize,
    /// Days that had been set before.
    pub replayed: usize,
    /// Rates of the whole file in currencies that Florin does not keep books in, by their code.
    pub skipped: BTreeMap<String, usize>,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// Before anything was sent.
    pub(super) fn of(history: &History) -> Self {
        let dates = || history.days.iter().map(|day| day.date);
        Self {
            days: history.days.len(),
            first: dates().min(),
            last: dates().max(),
            rates: history.days.iter().map(|day| day.rates.len()).sum(),
            skipped: history.skipped.clone(),
            ..Self::default()
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut outcomes = table(&["", "days"]);
        for (name, days) in [
            ("set", self.set),
            ("set before", self.replayed),
            ("all", self.days),
        ] {
            outcomes.add_row([name.to_owned(), grouped(days as u64)]);
        }
        align_right(&mut outcomes, &[1]);
        writeln!(f, "{outcomes}\n")?;
        if !self.skipped.is_empty() {
            let skipped: Vec<String> = self
                .skipped
                .iter()
                .map(|(code, rates)| format!("{code} ({})", grouped(*rates as u64)))
                .collect();
            writeln!(f, "Unknown currencies were skipped: {}", skipped.join(", "))?;
        }
        if let (Some(first), Some(last)) = (self.first, self.last) {
            writeln!(f, "Rates from {first} to {last}")?;
        }
        let (rates, seconds) = (grouped(self.rates as u64), self.seconds);
        write!(f, "{rates} rates in {seconds:.1} s")
    }
}

//! What people and programs get to see: one document on stdout, everything else on stderr.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// How often a spinner turns.
const SPIN_EVERY: Duration = Duration::from_millis(100);

/// A line under the header and no other: numbers are read, not boxes.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

/// Where a command's answer goes and in which form.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Output {
    /// Print one JSON document on stdout instead of a text for people.
    #[arg(long)]
    pub json: bool,
}

impl Output {
    /// Prints the command's answer on stdout: the document with `--json`, else the text.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn answer(
        self,
        document: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let text = if self.json {
            serde_json::to_string_pretty(document).context("the answer is not JSON")?
        } else {
            text()
        };
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{}", text.trim_end()).context("cannot write to stdout")
    }
}

/// Says something to the person at the terminal.
pub fn note(text: impl std::fmt::Display) {
    // Whoever closed stderr does not want to hear it.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A progress bar on stderr for `total` things; invisible when stderr is not a terminal.
pub fn bar(total: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:28} {bar:32} {human_pos}/{human_len} {per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style).with_message(what)
}

/// A spinner on stderr for something of unknown length; where stderr is not a terminal its
/// message is printed once.
pub fn spinner(what: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        note(what);
    }
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(SPIN_EVERY);
    spinner
}

/// A table without noise: a header, a line, rows.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    table
}

/// Aligns the columns of numbers to the right.
pub fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A whole number in groups of three digits, as people read it.
pub fn grouped(number: u64) -> String {
    group(&number.to_string())
}

/// An amount in groups of three digits before the point.
pub fn grouped_amount(amount: rust_decimal::Decimal) -> String {
    grouped_text(&amount.to_string())
}

/// The same of an amount that may have more digits than a number of ours.
pub fn grouped_text(amount: &str) -> String {
    let (sign, text) = amount
        .strip_prefix('-')
        .map_or(("", amount), |rest| ("-", rest));
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", group(whole)),
        None => format!("{sign}{}", group(text)),
    }
}

fn group(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        let amount: rust_decimal::Decimal = "-1234.50".parse().expect("a number");
        assert_eq!(grouped_amount(amount), "-1,234.50");
    }
}

//! Rows of a replay file. The whole file is checked before anything is sent: whoever wrote it
//! gets the line and the column of the first mistake.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use contracts::limits::REFERENCE_CHARS_MAX;
use contracts::{Currency, Kind, Money, parse_amount};
use csv::StringRecord;
use rust_decimal::Decimal;

/// The columns, in the order in which files are written; any order is read.
pub const COLUMNS: [&str; 8] = [
    "at",
    "kind",
    "wallet",
    "counterparty",
    "amount",
    "currency",
    "balance_after",
    "reference",
];

/// What some spreadsheets put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Columns that a file may leave out altogether.
const OPTIONAL: [&str; 2] = ["counterparty", "balance_after"];

/// Kinds that a row may have.
const KINDS: [Kind; 6] = [
    Kind::Deposit,
    Kind::Withdrawal,
    Kind::Transfer,
    Kind::Payment,
    Kind::Refund,
    Kind::Adjustment,
];

/// A movement of money that happened elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row's place in the file: the first below the header is 1.
    pub number: usize,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What it was.
    pub kind: Kind,
    /// The wallet it is about, by reference.
    pub wallet: String,
    /// Whom it went to, by reference, or on refunds whom it came back from; a mere note on
    /// deposits, withdrawals and adjustments.
    pub counterparty: Option<String>,
    /// How much: above zero, but for adjustments, which may take away.
    pub amount: Money,
    /// What the wallet held then, as the other system says.
    pub balance_after: Option<Money>,
    /// Its name in the other system.
    pub reference: String,
}

/// Where a file is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {what}", of_column(*.column))]
pub struct Malformed {
    /// The line, as an editor counts them.
    pub line: u64,
    /// The column; none when the line as a whole is wrong.
    pub column: Option<&'static str>,
    /// What is wrong.
    pub what: String,
}

fn of_column(column: Option<&'static str>) -> String {
    column
        .map(|column| format!(", column {column}"))
        .unwrap_or_default()
}

/// Reads the bytes of a whole file.
///
/// # Errors
/// The first mistake in it.
pub fn parse(file: &[u8]) -> Result<Vec<Row>, Malformed> {
    let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let mut lines = Lines {
        file,
        counted: 0,
        line: 1,
    };
    let header = reader
        .headers()
        .map_err(|error| unreadable(&error, &mut lines))?;
    let header = Header::parse(header)?;
    let mut rows = Vec::new();
    let mut seen: HashMap<String, u64> = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error, &mut lines))?;
        let line = lines.of(record.position());
        let row = Line {
            header: &header,
            record: &record,
            number: line,
        }
        .parse(rows.len() + 1)?;
        if let Some(earlier) = seen.insert(row.reference.clone(), line) {
            // It would be taken for a repetition of that row, and be skipped.
            let what = format!("\"{}\" stands on line {earlier} already", row.reference);
            return Err(Malformed {
                line,
                column: Some("reference"),
                what,
            });
        }
        rows.push(row);
    }
    Ok(rows)
}

fn unreadable(error: &csv::Error, lines: &mut Lines<'_>) -> Malformed {
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    Malformed {
        line: lines.of(error.position()),
        column: None,
        what,
    }
}

/// Counts lines as an editor does: the reader's own count stops at empty lines.
struct Lines<'a> {
    file: &'a [u8],
    counted: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record that is not before the last one asked about.
    fn of(&mut self, record: Option<&csv::Position>) -> u64 {
        let byte = record.and_then(|record| usize::try_from(record.byte()).ok());
        let start = byte.unwrap_or(0).clamp(self.counted, self.file.len());
        let empty = self.file[start..]
            .iter()
            .take_while(|byte| matches!(**byte, b'\r' | b'\n'));
        let start = start + empty.count();
        for byte in &self.file[self.counted..start] {
            self.line += u64::from(*byte == b'\n');
        }
        self.counted = start;
        self.line
    }
}

/// Where each column stands.
struct Header {
    positions: [Option<usize>; COLUMNS.len()],
    width: usize,
}

impl Header {
    fn parse(record: &StringRecord) -> Result<Self, Malformed> {
        let wrong = |what| {
            Err(Malformed {
                line: 1,
                column: None,
                what,
            })
        };
        let mut positions = [None; COLUMNS.len()];
        for (position, name) in record.iter().enumerate() {
            let Some(column) = COLUMNS.iter().position(|known| *known == name) else {
                return wrong(format!(
                    "unknown column \"{name}\"; known are {}",
                    COLUMNS.join(",")
                ));
            };
            if positions[column].replace(position).is_some() {
                return wrong(format!("the column {name} stands there twice"));
            }
        }
        for (column, position) in COLUMNS.iter().zip(positions) {
            if position.is_none() && !OPTIONAL.contains(column) {
                return wrong(format!("the column {column} is missing"));
            }
        }
        Ok(Self {
            positions,
            width: record.len(),
        })
    }
}

struct Line<'a> {
    header: &'a Header,
    record: &'a StringRecord,
    number: u64,
}

impl Line<'_> {
    fn parse(&self, number: usize) -> Result<Row, Malformed> {
        if self.record.len() != self.header.width {
            let what = format!(
                "{} fields instead of {}",
                self.record.len(),
                self.header.width
            );
            return Err(Malformed {
                line: self.number,
                column: None,
                what,
            });
        }
        let kind = self.kind()?;
        let wallet = self.name("wallet")?;
        let counterparty = self.counterparty(kind, &wallet)?;
        let currency = self.currency()?;
        Ok(Row {
            number,
            at: self.at()?,
            kind,
            wallet,
            counterparty,
            amount: self.amount(kind, currency)?,
            balance_after: self.balance_after(currency)?,
            reference: self.name("reference")?,
        })
    }

    fn field(&self, column: &'static str) -> &str {
        let index = COLUMNS.iter().position(|known| *known == column);
        index
            .and_then(|index| self.header.positions[index])
            .and_then(|position| self.record.get(position))
            .unwrap_or_default()
    }

    fn wrong<T>(&self, column: &'static str, what: impl Into<String>) -> Result<T, Malformed> {
        Err(Malformed {
            line: self.number,
            column: Some(column),
            what: what.into(),
        })
    }

    fn at(&self) -> Result<DateTime<Utc>, Malformed> {
        let text = self.field("at");
        match DateTime::parse_from_rfc3339(text) {
            Ok(at) => Ok(at.to_utc()),
            Err(_) => self.wrong(
                "at",
                format!("\"{text}\" is not a time as RFC 3339 writes it"),
            ),
        }
    }

    fn kind(&self) -> Result<Kind, Malformed> {
        let text = self.field("kind");
        if let Some(kind) = KINDS.iter().find(|kind| kind.as_str() == text) {
            return Ok(*kind);
        }
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.as_str()).collect();
        self.wrong(
            "kind",
            format!("\"{text}\" is none of {}", known.join(", ")),
        )
    }

    fn name(&self, column: &'static str) -> Result<String, Malformed> {
        let text = self.field(column);
        if text.is_empty() {
            return self.wrong(column, "it is empty");
        }
        if text.chars().count() > REFERENCE_CHARS_MAX {
            return self.wrong(
                column,
                format!("more than {REFERENCE_CHARS_MAX} characters"),
            );
        }
        if text.chars().any(char::is_control) {
            return self.wrong(column, "it has a control character");
        }
        Ok(text.to_owned())
    }

    fn counterparty(&self, kind: Kind, wallet: &str) -> Result<Option<String>, Malformed> {
        const COLUMN: &str = "counterparty";
        let needed = matches!(kind, Kind::Transfer | Kind::Payment | Kind::Refund);
        if self.field(COLUMN).is_empty() {
            if needed {
                return self.wrong(COLUMN, format!("a {} needs one", kind.as_str()));
            }
            return Ok(None);
        }
        let name = self.name(COLUMN)?;
        if needed && name == wallet {
            return self.wrong(COLUMN, "it is the wallet itself");
        }
        Ok(Some(name))
    }

    fn currency(&self) -> Result<Currency, Malformed> {
        let text = self.field("currency");
        match text.parse() {
            Ok(currency) => Ok(currency),
            Err(_) => self.wrong(
                "currency",
                format!("\"{text}\" is no currency with minor units"),
            ),
        }
    }

    fn amount(&self, kind: Kind, currency: Currency) -> Result<Money, Malformed> {
        let text = self.field("amount");
        let taken = text.strip_prefix('-').filter(|_| kind == Kind::Adjustment);
        match parse_amount(taken.unwrap_or(text), currency) {
            Ok(amount) if taken.is_some() => Ok(amount.negated()),
            Ok(amount) => Ok(amount),
            Err(error) => self.wrong("amount", format!("\"{text}\" of {currency}: {error}")),
        }
    }

    /// A balance may be zero, below zero, and larger than any one movement.
    fn balance_after(&self, currency: Currency) -> Result<Option<Money>, Malformed> {
        const COLUMN: &str = "balance_after";
        let text = self.field(COLUMN);
        if text.is_empty() {
            return Ok(None);
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_plain = digits.split('.').count() <= 2
            && digits
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        let exact = is_plain
            .then(|| Decimal::from_str_exact(text).ok())
            .flatten()
            .and_then(|amount| Money::exact(amount, currency).ok());
        match exact {
            Some(balance) => Ok(Some(balance)),
            None => self.wrong(
                COLUMN,
                format!("\"{text}\" is no exact amount of {currency}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests;

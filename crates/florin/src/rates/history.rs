//! The history of reference rates, as the European Central Bank publishes it: a line for each
//! working day, the newest first, a column for each currency, `N/A` where there was no rate. The
//! whole file is checked before anything is sent.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;
use contracts::Currency;

/// The currency of which one unit is valued.
pub const BASE: &str = "EUR";
/// How the file says that there was no rate.
const NO_RATE: &str = "N/A";
/// What some spreadsheets put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What a zip archive begins with: the bank publishes the file in one.
const ZIP: &[u8] = b"PK\x03\x04";

/// What one euro was worth on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub date: NaiveDate,
    /// The rates in the order of the file, as they are written there.
    pub rates: Vec<(Currency, String)>,
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The days that have a rate, in the order of the file.
    pub days: Vec<Day>,
    /// Rates of currencies that Florin does not keep books in, by their code.
    pub skipped: BTreeMap<String, usize>,
}

/// Where a file is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Malformed {
    /// The line, as an editor counts them.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

impl History {
    /// Only the days from `date` on.
    #[must_use]
    pub fn since(mut self, date: Option<NaiveDate>) -> Self {
        self.days
            .retain(|day| date.is_none_or(|from| day.date >= from));
        self
    }
}

/// Reads the bytes of a whole file.
///
/// # Errors
/// The first line that is wrong.
pub fn parse(file: &[u8]) -> Result<History, Malformed> {
    if file.starts_with(ZIP) {
        return Err(wrong(1, "this is a zip archive: unpack it first"));
    }
    let text = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text);
    let mut records = reader.records();
    let header = records
        .next()
        .ok_or_else(|| wrong(1, "the file is empty"))?
        .map_err(|error| of_csv(&error))?;
    let columns = columns(&header)?;
    let mut history = History {
        days: Vec::new(),
        skipped: BTreeMap::new(),
    };
    let mut known = HashSet::new();
    for record in records {
        let record = record.map_err(|error| of_csv(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let day = day(&record, &columns, line, &mut history.skipped)?;
        if !known.insert(day.date) {
            return Err(wrong(line, format!("{} comes twice", day.date)));
        }
        if !day.rates.is_empty() {
            history.days.push(day);
        }
    }
    Ok(history)
}

/// A column with a name: the currency, when Florin knows it.
struct Column {
    index: usize,
    code: String,
    currency: Option<Currency>,
}

fn columns(header: &csv::StringRecord) -> Result<Vec<Column>, Malformed> {
    if header.get(0) != Some("Date") {
        return Err(wrong(1, "the first column is not \"Date\""));
    }
    let mut columns: Vec<Column> = Vec::new();
    for (index, code) in header.iter().enumerate().skip(1) {
        // The bank's lines end with a comma.
        if code.is_empty() && index + 1 == header.len() {
            continue;
        }
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code || code == BASE || columns.iter().any(|column| column.code == code) {
            return Err(wrong(
                1,
                format!("the column \"{code}\" is no other currency"),
            ));
        }
        columns.push(Column {
            index,
            code: code.to_owned(),
            currency: code.parse().ok(),
        });
    }
    Ok(columns)
}

fn day(
    record: &csv::StringRecord,
    columns: &[Column],
    line: u64,
    skipped: &mut BTreeMap<String, usize>,
) -> Result<Day, Malformed> {
    let text = record.get(0).unwrap_or_default();
    let date = (text.len() == 10)
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
        .ok_or_else(|| wrong(line, format!("\"{text}\" is no date such as 2026-04-13")))?;
    let mut rates = Vec::with_capacity(columns.len());
    for column in columns {
        let value = record.get(column.index).unwrap_or_default();
        if value.is_empty() || value == NO_RATE {
            continue;
        }
        if !is_rate(value) {
            let code = &column.code;
            return Err(wrong(line, format!("\"{value}\" is no rate of {code}")));
        }
        match column.currency {
            Some(currency) => rates.push((currency, value.to_owned())),
            None => *skipped.entry(column.code.clone()).or_default() += 1,
        }
    }
    Ok(Day { date, rates })
}

/// Digits with a point, and not only zeros. What the ledger takes of them it says itself.
fn is_rate(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}

fn wrong(line: u64, what: impl Into<String>) -> Malformed {
    Malformed {
        line,
        what: what.into(),
    }
}

fn of_csv(error: &csv::Error) -> Malformed {
    let line = error.position().map_or(0, csv::Position::line);
    wrong(line, format!("this is no line of the table: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "Date,USD,JPY,ZZZ,\n\
                        2026-04-13,1.1684,186.75,7,\n\
                        2026-04-10,N/A,186.43,N/A,\n\
                        2026-04-09,N/A,N/A,8,\n";

    fn rates(day: &Day) -> Vec<String> {
        let rates = day.rates.iter();
        rates
            .map(|(currency, rate)| format!("{currency} {rate}"))
            .collect()
    }

    #[test]
    fn gaps_are_left_out_and_unknown_currencies_are_counted() {
        for mark in ["", "\u{feff}"] {
            let history = parse(format!("{mark}{FILE}").as_bytes()).expect("a good file");
            assert_eq!(history.days.len(), 2, "a day without a rate is none");
            assert_eq!(rates(&history.days[0]), ["USD 1.1684", "JPY 186.75"]);
            assert_eq!(rates(&history.days[1]), ["JPY 186.43"]);
            assert_eq!(history.skipped, BTreeMap::from([("ZZZ".to_owned(), 2)]));
            let from = NaiveDate::from_ymd_opt(2026, 4, 13);
            assert_eq!(history.since(from).days.len(), 1);
        }
    }

    #[test]
    fn a_file_that_is_wrong_is_told_where() {
        for (file, line, what) in [
            ("", 1, "empty"),
            ("PK\u{3}\u{4}…", 1, "unpack it first"),
            ("at,USD\n", 1, "Date"),
            ("Date,EUR\n", 1, "\"EUR\""),
            ("Date,USD,USD\n", 1, "\"USD\""),
            ("Date,usd\n", 1, "\"usd\""),
            ("Date,,USD\n", 1, "\"\""),
            ("Date,USD\n13 April 2026,1.1\n", 2, "13 April 2026"),
            ("Date,USD\n2026-02-30,1.1\n", 2, "2026-02-30"),
            ("Date,USD\n2026-04-13,1.1\n2026-04-10,1,1\n", 3, "no line"),
            ("Date,USD\n2026-04-13,1.1\n2026-04-13,1.1\n", 3, "twice"),
            ("Date,USD\n2026-04-13,-1.1\n", 2, "no rate of USD"),
            ("Date,USD\n2026-04-13,0.000\n", 2, "no rate of USD"),
            ("Date,USD\n2026-04-13,1e3\n", 2, "no rate of USD"),
        ] {
            let malformed = parse(file.as_bytes()).expect_err(file);
            assert_eq!(malformed.line, line, "{file}");
            assert!(malformed.what.contains(what), "{file}: {malformed}");
        }
    }
}

//! A statement as CSV (RFC 4180), safe to open in a spreadsheet.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use csv::{Terminator, WriterBuilder};

use super::{LineView, StatementView};

const HEADER: [&str; 11] = [
    "line",
    "transaction",
    "kind",
    "effective_at",
    "posted_at",
    "amount",
    "balance",
    "counterparty",
    "reference",
    "order_reference",
    "description",
];

/// The statement: a header, the opening balance, the entries, the closing balance. The period's
/// own ends stand where it opens, in the `first` part, and where it closes, in the last.
pub(super) fn render(view: &StatementView, first: bool) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let mut write = |record: [Cow<'_, str>; 11]| {
        writer
            .write_record(record.iter().map(|field| field.as_bytes()))
            .expect("memory takes every record of the header's length");
    };
    write(HEADER.map(Cow::Borrowed));
    let from = view.from.filter(|_| first);
    let to = view.to.filter(|_| view.next_cursor.is_none());
    write(balance("opening", from, &view.opening_balance));
    for line in &view.lines {
        write(entry(line));
    }
    write(balance("closing", to, &view.closing_balance));
    writer.into_inner().expect("memory takes everything")
}

fn balance<'a>(name: &'a str, at: Option<DateTime<Utc>>, balance: &'a str) -> [Cow<'a, str>; 11] {
    let mut record = [const { Cow::Borrowed("") }; 11];
    record[0] = name.into();
    record[3] = at.map(time).unwrap_or_default().into();
    record[6] = balance.into();
    record
}

fn entry(line: &LineView) -> [Cow<'_, str>; 11] {
    let id = |id: &dyn std::fmt::Display| Cow::Owned(id.to_string());
    [
        "entry".into(),
        id(&line.transaction),
        line.kind.as_str().into(),
        time(line.effective_at).into(),
        time(line.posted_at).into(),
        // Numbers of our own: a minus sign before digits is no formula.
        line.amount.as_str().into(),
        line.balance.as_str().into(),
        line.counterparty
            .as_ref()
            .map_or(Cow::Borrowed(""), |wallet| id(wallet)),
        guarded(line.reference.as_deref()),
        guarded(line.order_reference.as_deref()),
        guarded(line.description.as_deref()),
    ]
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Somebody else's text. Spreadsheets run what begins like a formula, some of them after spaces
/// and in the wide forms of East Asian keyboards too; an apostrophe makes it a text.
fn guarded(text: Option<&str>) -> Cow<'_, str> {
    const FORMULA: &[char] = &['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let text = text.unwrap_or_default();
    let runs = text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(FORMULA);
    if runs {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_like_a_formula() {
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "  =1+1",
            "\u{a0}=1+1",
            "＝1+1",
            "\t=1",
            "=HYPERLINK(\"http://x\",\"y\")",
        ] {
            assert_eq!(guarded(Some(text)), format!("'{text}"), "{text}");
        }
        for text in ["", "order-77", "a=b", "'quoted'", "77+1"] {
            assert_eq!(guarded(Some(text)), text);
        }
    }
}

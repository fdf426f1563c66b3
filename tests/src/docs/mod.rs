//! Pages that are generated from the code, so that they cannot say anything else. A test
//! compares the committed pages; `FLORIN_BLESS=1` writes them anew.

use std::fs;

use crate::tidy::tree;

pub mod constants;
pub mod errors;
pub mod events;
pub mod limits;
pub mod metrics;
pub mod settings;

/// The first line of each page.
const GENERATED: &str = "<!-- Generated from the code. Write it anew with: \
                         FLORIN_BLESS=1 cargo test -p system-tests docs -->";

/// Compares a committed page with what the code says, or writes it when `FLORIN_BLESS` is set.
///
/// # Panics
/// When they differ.
pub fn expect_committed(path: &str, generated: &str) {
    let file = tree::root().join(path);
    if std::env::var_os("FLORIN_BLESS").is_some() {
        fs::write(&file, generated).expect("the page can be written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == generated,
        "{path} is not what the code says; run FLORIN_BLESS=1 cargo test -p system-tests docs, \
         read the difference and commit it"
    );
}

/// A Markdown table.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut lines = vec![
        format!("| {} |", head.join(" | ")),
        format!("|{}", "---|".repeat(head.len())),
    ];
    lines.extend(
        rows.into_iter()
            .map(|row| format!("| {} |", row.join(" | "))),
    );
    lines.join("\n") + "\n"
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

//! `docs/limits.md`: every limit of the contracts with its reason.

use super::{
    GENERATED, code,
    constants::{Constant, bytes_in_words, duration, duration_in_words, number, parse},
    table,
};
use crate::tidy::tree::Tree;

/// The page.
pub const PAGE: &str = "docs/limits.md";

const SOURCE: &str = "crates/contracts/src/limits.rs";

/// The page as it should be.
///
/// # Panics
/// When the source is gone, or has a limit without a reason or with a value of a new form.
pub fn page(tree: &Tree) -> String {
    let constants = parse(tree.text(SOURCE).expect("the limits are there"));
    let rows = constants.iter().map(|constant| {
        assert!(!constant.doc.is_empty(), "{} has no reason", constant.name);
        vec![code(&constant.name), value(constant), constant.doc.clone()]
    });
    format!(
        "{GENERATED}\n\n# Limits\n\nLimits that a client or a consumer can meet, each with its \
         reason. They stand in [`contracts::limits`](../{SOURCE}).\n\n{}",
        table(&["limit", "value", "what and why"], rows)
    )
}

fn value(constant: &Constant) -> String {
    if let Some(duration) = duration(&constant.value) {
        return duration_in_words(duration);
    }
    let number = number(&constant.value);
    let number = number.unwrap_or_else(|| panic!("{} is no number and no duration", constant.name));
    if constant.name.contains("BYTES") {
        bytes_in_words(number)
    } else {
        number.to_string()
    }
}

//! Tidy: the house rules as tests. They read the sources as text, so they need no server, no
//! compiler and no reviewer, and they say what to do instead.
//!
//! Every rule stands in a table with its reason; every exception stands beside it with its own.
//! An exception that excuses nothing any more is a finding too, so the tables stay short.

use std::fmt;

pub mod alerts;
pub mod arrows;
pub mod features;
pub mod glob;
pub mod lengths;
pub mod links;
pub mod orphans;
pub mod proofs;
pub mod reasons;
pub mod rooms;
pub mod rules;
pub mod source;
pub mod tree;
pub mod words;

/// A path pattern and why the files that it matches are excused.
pub type Exception = (&'static str, &'static str);

/// Something that breaks a house rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the workspace.
    pub path: String,
    /// Counted from one; zero when the whole file is meant.
    pub line: usize,
    /// What was found.
    pub what: String,
    /// What to do instead, and why.
    pub instead: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}\n    instead: {}", self.what, self.instead)
    }
}

/// Ends a test when there are findings, with all of them.
///
/// # Panics
/// When there is one.
pub fn expect_none(findings: &[Finding]) {
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(
        list.is_empty(),
        "{} findings\n{}\n",
        list.len(),
        list.join("\n")
    );
}

//! What the doctor says.

use std::fmt;

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something does not work, or money is wrong.
    Broken,
    /// It works, and will not for ever.
    Worrying,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check found it.
    pub check: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Who it is about: a service, a server, a stream.
    pub subject: String,
    /// What was found.
    pub found: String,
    /// What to do.
    pub advice: String,
}

/// All that is wrong, most important first.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Nothing is wrong.
    pub healthy: bool,
    /// What is.
    pub findings: Vec<Finding>,
    /// What is right, in short.
    pub notes: Vec<String>,
}

impl Report {
    /// Sorts the findings by severity; within one the order of the checks stays, which is from
    /// causes to consequences.
    pub fn new(mut findings: Vec<Finding>, notes: Vec<String>) -> Self {
        findings.sort_by_key(|finding| finding.severity);
        Self {
            healthy: findings.is_empty(),
            findings,
            notes,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.findings.len() {
            0 => writeln!(f, "Nothing is wrong.")?,
            1 => writeln!(f, "One thing is wrong.")?,
            number => writeln!(f, "{number} things are wrong, most important first.")?,
        }
        for (number, finding) in self.findings.iter().enumerate() {
            let Finding {
                subject,
                found,
                advice,
                ..
            } = finding;
            let mark = match finding.severity {
                Severity::Broken => "broken",
                Severity::Worrying => "worrying",
            };
            writeln!(f, "\n{}. {subject} ({mark}): {found}", number + 1)?;
            writeln!(f, "   What to do: {advice}")?;
        }
        if !self.notes.is_empty() {
            writeln!(f)?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}

//! What was proven, and what was found instead.

use std::fmt;

use serde::Serialize;

use super::law::Law;

/// The outcome of a proof of all laws.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Do all laws hold?
    pub clean: bool,
    /// The last sequence number of the log when the books were read.
    pub head: i64,
    /// Its hash, hexadecimal: whoever noted an earlier one can check that the log still has it.
    pub hash: String,
    /// Every law, in the order of proof.
    pub laws: Vec<Finding>,
    /// How far each consumer is.
    pub consumers: Vec<Consumer>,
    /// How long it took.
    pub seconds: f64,
}

/// What came of one law.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The law.
    #[serde(flatten)]
    pub law: Law,
    /// The worker whose tables it is about; none for the ledger's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<&'static str>,
    /// How often it is broken.
    pub violations: u64,
    /// The first of them, in words.
    pub evidence: Vec<String>,
}

/// How far a consumer is. Missing events are no violation: it may be about to handle them.
#[derive(Debug, Clone, Serialize)]
pub struct Consumer {
    /// The worker.
    pub worker: &'static str,
    /// The consumer's name in its inbox.
    pub consumer: String,
    /// Whose log it reads.
    pub source: String,
    /// The last event it has handled.
    pub handled_to: i64,
    /// Events up to the head that it has not handled.
    pub missing: i64,
    /// The first ranges of them.
    pub first_missing: Vec<String>,
    /// Events that it gave up and that wait for a person.
    pub parked: i64,
    /// Events that it tries again.
    pub retrying: i64,
}

impl Finding {
    /// A law that nothing was found against yet.
    pub(super) fn of(law: Law, worker: Option<&'static str>) -> Self {
        Self {
            law,
            worker,
            violations: 0,
            evidence: Vec::new(),
        }
    }

    /// Adds what was found against it.
    pub(super) fn add(&mut self, violations: u64, evidence: impl IntoIterator<Item = String>) {
        self.violations += violations;
        let room = super::law::EVIDENCE_MAX.saturating_sub(self.evidence.len());
        self.evidence.extend(evidence.into_iter().take(room));
    }
}

impl Report {
    /// The findings that are violations.
    pub fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.laws.iter().filter(|finding| finding.violations > 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.laws {
            let mark = if finding.violations == 0 {
                "holds "
            } else {
                "BROKEN"
            };
            let worker = finding
                .worker
                .map(|worker| format!("{worker}: "))
                .unwrap_or_default();
            writeln!(f, "{mark}  {worker}{}", finding.law.proves)?;
            for evidence in &finding.evidence {
                writeln!(f, "          {evidence}")?;
            }
            let shown = u64::try_from(finding.evidence.len()).unwrap_or(u64::MAX);
            if finding.violations > shown {
                writeln!(f, "          and {} more", finding.violations - shown)?;
            }
        }
        for consumer in &self.consumers {
            write!(
                f,
                "{}: handled to {}",
                consumer.consumer, consumer.handled_to
            )?;
            if consumer.missing > 0 {
                let ranges = consumer.first_missing.join(", ");
                write!(f, ", {} still missing: {ranges}", consumer.missing)?;
            }
            if consumer.parked > 0 {
                write!(f, ", {} parked", consumer.parked)?;
            }
            if consumer.retrying > 0 {
                write!(f, ", {} retrying", consumer.retrying)?;
            }
            writeln!(f)?;
        }
        let broken = self.broken().count();
        if broken == 0 {
            write!(
                f,
                "The books balance: {} laws hold over {} events",
                self.laws.len(),
                self.head
            )?;
        } else {
            write!(f, "{broken} of {} laws are broken", self.laws.len())?;
        }
        write!(
            f,
            " ({:.1} s). Head {} {}",
            self.seconds, self.head, self.hash
        )
    }
}

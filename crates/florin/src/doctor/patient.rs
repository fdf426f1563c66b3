//! The fleet on the table: where everything is, and what is known about it so far.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_nats::jetstream;
use contracts::topology::Topology;
use sqlx::PgConnection;

use super::report::{Finding, Report, Severity};
use crate::fleet::{Endpoints, Fleet};

/// What the checks share.
pub struct Patient {
    pub fleet: Fleet,
    /// The database as its owner; nothing when it is out of reach.
    pub database: Option<PgConnection>,
    /// JetStream; nothing when it is out of reach.
    pub bus: Option<jetstream::Context>,
    /// The metrics of the services that answered, by name.
    pub metrics: BTreeMap<String, String>,
    findings: Vec<Finding>,
    notes: Vec<String>,
}

impl Patient {
    pub fn new(fleet: Fleet) -> Self {
        Self {
            fleet,
            database: None,
            bus: None,
            metrics: BTreeMap::new(),
            findings: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub fn endpoints(&self) -> Endpoints {
        self.fleet.endpoints.clone()
    }

    pub fn topology(&self) -> Topology {
        Topology::with_prefix(&self.fleet.endpoints.prefix)
    }

    /// A file of the fleet's logs.
    pub fn log(&self, name: &str) -> PathBuf {
        self.fleet.dir.join("logs").join(format!("{name}.log"))
    }

    /// Something does not work.
    pub fn broken(
        &mut self,
        check: &'static str,
        subject: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.find(check, Severity::Broken, subject, found, advice);
    }

    /// Something will not work for ever.
    pub fn worrying(
        &mut self,
        check: &'static str,
        subject: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.find(check, Severity::Worrying, subject, found, advice);
    }

    pub fn find(
        &mut self,
        check: &'static str,
        severity: Severity,
        subject: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.findings.push(Finding {
            check,
            severity,
            subject: subject.into(),
            found: found.into(),
            advice: advice.into(),
        });
    }

    pub fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Something that is right and worth a line.
    pub fn note(&mut self, words: impl Into<String>) {
        self.notes.push(words.into());
    }

    /// Whether a check has something to say about somebody.
    pub fn has_found(&self, check: &str, subject: &str) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.check == check && finding.subject == subject)
    }

    pub fn report(self) -> Report {
        Report::new(self.findings, self.notes)
    }
}

/// Whether a process is stopped, as by SIGSTOP: it exists, holds its connections and does
/// nothing. Only Linux tells.
pub fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it is in parentheses and may hold anything.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    matches!(rest.split_whitespace().next(), Some("T" | "t"))
}

/// What to do about a process that is stopped.
pub fn unstop(pid: u32) -> String {
    format!(
        "Let it go on: `kill -CONT {pid}`. Or end it with `kill -9 {pid}`: `florin up` starts \
         another in its place."
    )
}

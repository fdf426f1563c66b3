//! What is measured, and what a measurement is called.

use serde::Serialize;

use crate::output::grouped;

/// Wallets of the hot load: as few as a busy market has in its middle.
pub const HOT_WALLETS: usize = 10;
/// Transfers of one request of the bulk load: as many as the ledger takes.
pub const BULK_OPERATIONS: usize = 1_000;
/// Connections of the bulk load: each has a thousand commands under way, and four fill the
/// ledger's queue without overflowing it.
pub const BULK_CONNECTIONS: usize = 4;

/// A kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// Transfers between random pairs of many wallets; what the others are compared with.
    Uniform,
    /// Transfers between random pairs of ten wallets.
    Hot,
    /// The uniform load on a ledger that is old and large.
    Preloaded,
    /// The uniform load in requests of a thousand transfers.
    Bulk,
}

impl Scenario {
    /// As tables and reports call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Hot => "hot",
            Self::Preloaded => "preloaded",
            Self::Bulk => "bulk",
        }
    }

    /// A load of it, for the head of a column.
    pub fn named(self, connections: usize) -> String {
        format!("{} {}", self.as_str(), grouped(connections as u64))
    }

    /// A load of it, in words.
    pub fn described(self, connections: usize) -> String {
        let connections = format!("{} connections", grouped(connections as u64));
        match self {
            Self::Uniform => format!("transfers, {connections}"),
            Self::Hot => format!("among {HOT_WALLETS} wallets, {connections}"),
            Self::Preloaded => format!("in an old ledger, {connections}"),
            Self::Bulk => format!(
                "{} by request, {connections}",
                grouped(BULK_OPERATIONS as u64)
            ),
        }
    }
}

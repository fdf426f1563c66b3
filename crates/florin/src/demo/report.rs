//! The report of a demonstration, for people to enjoy and for programs to read.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Poison;
use crate::{output, simulate, verify};

/// Merchants that are shown.
const MERCHANTS_SHOWN: usize = 8;

/// What happened, and the proof that it was right.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The day.
    pub market: simulate::Report,
    /// The message that no relay sent.
    pub poison: Poison,
    /// The proof from the database alone.
    pub proof: verify::Report,
    /// How long the fleet took to start.
    pub up_milliseconds: u64,
    /// How long everything took.
    pub milliseconds: u64,
}

impl Report {
    /// Everything is as it must be.
    pub fn is_clean(&self) -> bool {
        self.market.is_clean() && self.proof.clean
    }

    fn day(&self) -> String {
        let market = &self.market;
        format!(
            "{} operations on {} wallets; {} were sent twice on purpose and counted once.",
            output::grouped(market.operations),
            market.wallets,
            output::grouped(market.repeated),
        )
    }

    fn poison(&self) -> String {
        let Poison {
            stream_sequence,
            worker,
            error,
            ..
        } = &self.poison;
        format!(
            "Somebody put a message on the stream that is no event (position {}).\n\
             The {worker} worker parked it as a dead letter ({error}) and went on.",
            output::grouped(*stream_sequence),
        )
    }

    fn pace(&self) -> String {
        let market = &self.market;
        let build = if cfg!(debug_assertions) {
            " in a debug build"
        } else {
            ""
        };
        let time = |milliseconds| format!("{:.1?}", Duration::from_millis(milliseconds));
        format!(
            "{} operations per second{build}; the statistics were complete {} after the last one.\n\
             The fleet was up after {}, and all of this took {}.",
            output::grouped(market.per_second),
            time(market.caught_up_milliseconds),
            time(self.up_milliseconds),
            time(self.milliseconds),
        )
    }

    fn books(&self) -> String {
        if self.proof.clean {
            let laws = self.proof.laws.len();
            let events = u64::try_from(self.proof.head).unwrap_or_default();
            return format!(
                "The books balance: {laws} laws hold over {} events, proven from the database alone.",
                output::grouped(events),
            );
        }
        format!("THE BOOKS DO NOT BALANCE\n{}", self.proof)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let market = &self.market;
        for part in [
            format!("A day at the market\n\n{}", self.day()),
            market.posted_table(),
            format!(
                "{}\n\nEvery refusal was planned, and moved nothing.",
                market.refused_table()
            ),
            market.merchants_table(MERCHANTS_SHOWN),
            self.poison(),
            format!("{}\n{}", market.verdict(), self.books()),
        ] {
            writeln!(f, "{part}\n")?;
        }
        f.write_str(&self.pace())
    }
}

//! What was measured, for programs and for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::effect::Ages;
use super::load::{CREATED, Measured};
use super::scenario::Scenario;
use super::yardstick::Yardstick;
use crate::output::{align_right, grouped, table};

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// Where randomness began.
    pub seed: u64,
    /// Wallets that money moved between.
    pub wallets: usize,
    /// Wallets opened and funded per second, over 64 connections.
    pub wallets_per_second: u64,
    /// The ledger that was old before it was measured; none when that was not asked for.
    pub preloaded: Option<Preloaded>,
    /// What the same Postgres did at its own benchmark; none where pgbench is not installed.
    pub yardstick: Option<Yardstick>,
    /// Each load.
    pub loads: Vec<Load>,
    /// Whether the books balanced afterwards.
    pub is_clean: bool,
}

/// A ledger with a history.
#[derive(Debug, Clone, Serialize)]
pub struct Preloaded {
    /// Entries that it had.
    pub entries: u64,
    /// Wallets that it had.
    pub wallets: u64,
    /// How long it took to write them and to start the fleet.
    pub seconds: u64,
}

/// What it was measured on.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Processor cores that everything shared.
    pub cores: usize,
    /// The database server.
    pub postgres: String,
    /// Built with optimisations?
    pub is_release: bool,
}

/// One load: so many connections, each with one request under way.
#[derive(Debug, Clone, Serialize)]
pub struct Load {
    /// What kind of load.
    pub scenario: Scenario,
    /// How many connections.
    pub connections: usize,
    /// Transfers that were answered with their transaction, per second.
    pub transfers_per_second: u64,
    /// Of the yardstick's transactions.
    pub to_yardstick: Option<f64>,
    /// Of the uniform load's transfers over as many connections in a young ledger.
    pub to_uniform: Option<f64>,
    /// Half of the answers came within.
    pub p50_ms: f64,
    /// 99 of 100 answers came within.
    pub p99_ms: f64,
    /// How far each worker was behind.
    pub workers: BTreeMap<String, Worker>,
    /// Transfers by the status they were answered with.
    pub answers: BTreeMap<u16, u64>,
    /// Memory at the end of the load, in MiB.
    pub memory_mib: BTreeMap<String, f64>,
    /// Processor cores that each process kept busy during the load.
    pub cores: BTreeMap<String, f64>,
}

/// How far a worker was behind the ledger. The times are from an event's commit to the commit of
/// its effect.
#[derive(Debug, Clone, Serialize)]
pub struct Worker {
    /// Events that it settled, of this load and what it opened with.
    pub events: u64,
    /// Half of them took at most.
    pub p50_ms: Option<f64>,
    /// 99 of 100 took at most; none when that is beyond what the worker measures.
    pub p99_ms: Option<f64>,
    /// Events that it had not settled when the load ended.
    pub behind: u64,
    /// Until it had, after the last transfer.
    pub caught_up_after_ms: f64,
}

impl Worker {
    /// Of what it counted during a load, and what was left.
    pub(super) fn of(ages: &Ages, behind: u64, caught_up_after: Duration) -> Self {
        let micros = u64::try_from(caught_up_after.as_micros()).unwrap_or(u64::MAX);
        Self {
            events: ages.count(),
            p50_ms: ages.permille(500).map(milliseconds),
            p99_ms: ages.permille(990).map(milliseconds),
            behind,
            caught_up_after_ms: milliseconds(micros),
        }
    }
}

impl Load {
    /// Puts together what was measured at the client's end.
    pub(super) fn of(
        scenario: Scenario,
        connections: usize,
        measured: &Measured,
        yardstick: Option<u64>,
    ) -> Self {
        let micros = measured.time.as_micros().max(1);
        let posted = measured.statuses.get(&CREATED).copied().unwrap_or_default();
        let per_second = u128::from(posted) * 1_000_000 / micros;
        let per_second = u64::try_from(per_second).unwrap_or(u64::MAX);
        Self {
            scenario,
            connections,
            transfers_per_second: per_second,
            to_yardstick: yardstick.map(|yardstick| ratio(per_second, yardstick)),
            to_uniform: None,
            p50_ms: milliseconds(measured.latencies.permille(500)),
            p99_ms: milliseconds(measured.latencies.permille(990)),
            workers: BTreeMap::new(),
            answers: measured.statuses.clone(),
            memory_mib: BTreeMap::new(),
            cores: BTreeMap::new(),
        }
    }

    /// Answers that were not what was asked for.
    pub fn failed(&self) -> u64 {
        let good = self.answers.get(&CREATED).copied().unwrap_or_default();
        self.answers.values().sum::<u64>() - good
    }
}

impl Report {
    /// Holds what happened among few wallets and in an old ledger against the uniform load.
    pub(super) fn compare(&mut self) {
        let uniform: BTreeMap<usize, u64> = self
            .loads
            .iter()
            .filter(|load| load.scenario == Scenario::Uniform)
            .map(|load| (load.connections, load.transfers_per_second))
            .collect();
        for load in &mut self.loads {
            if matches!(load.scenario, Scenario::Hot | Scenario::Preloaded) {
                let uniform = uniform.get(&load.connections);
                load.to_uniform = uniform.map(|it| ratio(load.transfers_per_second, *it));
            }
        }
    }

    /// Whether the numbers are to be believed: every transfer was posted, and the books balance.
    pub fn is_good(&self) -> bool {
        self.is_clean
            && self
                .loads
                .iter()
                .all(|load| load.failed() == 0 && !load.answers.is_empty())
    }
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a time for people"
)]
pub(super) fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "memory for people"
)]
pub(super) fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1_024.0
}

/// To two decimals: more would pretend.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a ratio of speeds"
)]
pub(super) fn ratio(ours: u64, yardstick: u64) -> f64 {
    (ours * 100 / yardstick.max(1)) as f64 / 100.0
}

fn shown(milliseconds: Option<f64>) -> String {
    milliseconds.map_or_else(
        || "?".to_owned(),
        |milliseconds| format!("{milliseconds:.1}"),
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine {
            cores,
            postgres,
            is_release,
        } = &self.machine;
        writeln!(
            f,
            "{cores} cores for everything, this load generator included; {postgres}, fsync on\n"
        )?;
        if !is_release {
            writeln!(
                f,
                "NOT OPTIMISED: use `make bench` for numbers that mean something.\n"
            )?;
        }
        writeln!(f, "{}\n\n{}\n", self.speeds(), self.lags())?;
        writeln!(
            f,
            "{}\n",
            self.by_process("memory, MiB", |load| &load.memory_mib, 0)
        )?;
        writeln!(
            f,
            "{}\n",
            self.by_process("cores busy", |load| &load.cores, 2)
        )?;
        if let Some(old) = &self.preloaded {
            writeln!(
                f,
                "The old ledger had {} entries of {} wallets; it was there after {} s.",
                grouped(old.entries),
                grouped(old.wallets),
                grouped(old.seconds)
            )?;
        }
        let failed: u64 = self.loads.iter().map(Load::failed).sum();
        if failed > 0 {
            writeln!(f, "{} transfers were not posted.", grouped(failed))?;
        }
        let books = if self.is_clean {
            "balance"
        } else {
            "DO NOT BALANCE"
        };
        write!(
            f,
            "{} wallets, {} per second opened and funded. The books {books} afterwards.",
            grouped(self.wallets as u64),
            grouped(self.wallets_per_second),
        )
    }
}

impl Report {
    fn speeds(&self) -> comfy_table::Table {
        let mut speeds = table(&[
            "",
            "per second",
            "to pgbench",
            "to uniform",
            "p50 ms",
            "p99 ms",
        ]);
        let to = |ratio: Option<f64>| ratio.map(|it| format!("{it:.2}")).unwrap_or_default();
        for load in &self.loads {
            speeds.add_row([
                load.scenario.described(load.connections),
                grouped(load.transfers_per_second),
                to(load.to_yardstick),
                to(load.to_uniform),
                shown(Some(load.p50_ms)),
                shown(Some(load.p99_ms)),
            ]);
        }
        if let Some(yardstick) = &self.yardstick {
            let name = yardstick.command.clone();
            speeds.add_row([name, grouped(yardstick.per_second), "1.00".to_owned()]);
        }
        align_right(&mut speeds, &[1, 2, 3, 4, 5]);
        speeds
    }

    fn lags(&self) -> comfy_table::Table {
        let mut lags = table(&[
            "commit to effect",
            "load",
            "p50 ms",
            "p99 ms",
            "behind at the end",
            "caught up ms",
        ]);
        for load in &self.loads {
            for (name, worker) in &load.workers {
                lags.add_row([
                    name.clone(),
                    load.scenario.named(load.connections),
                    shown(worker.p50_ms),
                    shown(worker.p99_ms),
                    grouped(worker.behind),
                    shown(Some(worker.caught_up_after_ms)),
                ]);
            }
        }
        align_right(&mut lags, &[1, 2, 3, 4, 5]);
        lags
    }

    fn by_process(
        &self,
        what: &str,
        of: impl Fn(&Load) -> &BTreeMap<String, f64>,
        decimals: usize,
    ) -> comfy_table::Table {
        let loads = self.loads.iter();
        let columns: Vec<String> = std::iter::once(what.to_owned())
            .chain(loads.map(|load| load.scenario.named(load.connections)))
            .collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut processes = table(&columns);
        let names: BTreeSet<&String> = self.loads.iter().flat_map(|load| of(load).keys()).collect();
        for name in names {
            let cells = self.loads.iter().map(|load| {
                let number = of(load).get(name);
                number
                    .map(|number| format!("{number:.decimals$}"))
                    .unwrap_or_default()
            });
            processes.add_row(std::iter::once(name.clone()).chain(cells));
        }
        align_right(&mut processes, &(1..columns.len()).collect::<Vec<_>>());
        processes
    }
}

#[cfg(test)]
mod tests {
    use super::super::histogram::Histogram;
    use super::*;

    #[test]
    fn a_load_is_what_was_counted_over_the_time() {
        let mut latencies = Histogram::default();
        (0..5_000).for_each(|_| latencies.record(Duration::from_millis(2)));
        let measured = Measured {
            statuses: BTreeMap::from([(CREATED, 5_000), (503, 2)]),
            latencies,
            time: Duration::from_millis(500),
        };
        let load = Load::of(Scenario::Uniform, 64, &measured, Some(8_000));
        assert_eq!((load.transfers_per_second, load.failed()), (10_000, 2));
        assert_eq!(
            load.to_yardstick.map(|ratio| ratio.to_string()).as_deref(),
            Some("1.25")
        );
        assert!((2.0..2.1).contains(&load.p50_ms), "{}", load.p50_ms);
    }
}

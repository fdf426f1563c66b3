//! The report of a demonstration, for people to enjoy and for programs to read.

use std::fmt;
use std::time::Duration;

use contracts::Totals;
use serde::Serialize;

use super::{Fraud, Holds, Poison, Refund, Settlement};
use crate::{output, simulate, verify};

/// Batches that are shown.
const BATCHES_SHOWN: usize = 12;

/// What happened, and the proof that it was right.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The day.
    pub market: simulate::Report,
    /// What the fraud rules found.
    pub fraud: Fraud,
    /// What became of the deposits on bicycles.
    pub holds: Holds,
    /// What each merchant is paid, and what stood in the way.
    pub settlement: Settlement,
    /// What somebody got back.
    pub refund: Refund,
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
        self.market.is_clean()
            && self.fraud.is_clean()
            && self.holds.is_clean()
            && self.settlement.is_clean()
            && self.refund.is_clean()
            && self.poison.is_clean()
            && self.proof.clean
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

    fn fraud(&self) -> String {
        let Fraud {
            visitor,
            found,
            alerts,
            ..
        } = &self.fraud;
        let mut table = output::table(&["what fraud found", "severity", "moved", ""]);
        for alert in found {
            table.add_row(vec![
                format!("{visitor}: {}", alert.rule.replace('_', " ")),
                alert.severity.clone(),
                output::grouped_amount(alert.evidence.amount),
                alert.evidence.currency.to_string(),
            ]);
        }
        output::align_right(&mut table, &[2]);
        let others = alerts.values().sum::<u64>() - found.len() as u64;
        format!(
            "{table}\n\nAnd {} more about customers in a hurry: a day at this market takes seconds.",
            output::grouped(others),
        )
    }

    fn holds(&self) -> String {
        let Holds {
            customer,
            captured,
            voided,
            available,
            ..
        } = &self.holds;
        format!(
            "{customer} left two deposits of {} EUR for a bicycle. Of one, {} were captured in two parts and\n\
             the rest came free; the other was voided. {available} EUR are his to spend.",
            voided.amount, captured.captured,
        )
    }

    fn paid(&self) -> String {
        let mut table = output::table(&["merchant", "payments", "is paid", "", "batch"]);
        for paid in self.settlement.paid.iter().take(BATCHES_SHOWN) {
            table.add_row(vec![
                paid.merchant.clone(),
                output::grouped(paid.batch.count),
                output::grouped_text(&paid.batch.gross),
                paid.batch.currency.to_string(),
                paid.batch.id.to_string(),
            ]);
        }
        output::align_right(&mut table, &[1, 2]);
        let more = self.settlement.paid.len().saturating_sub(BATCHES_SHOWN);
        let more = if more > 0 {
            format!("\n({more} more batches)")
        } else {
            String::new()
        };
        let agree = if self.settlement.is_clean() {
            "Every batch is what the simulation's own books say.".to_owned()
        } else {
            format!("DIFFERENCES:\n{}", self.settlement.differences.join("\n"))
        };
        format!("{table}{more}\n\n{agree}")
    }

    fn back(&self) -> String {
        let Refund {
            customer,
            merchant,
            paid,
            fee,
            refunded,
            left,
        } = &self.refund;
        let verdict = if self.refund.is_clean() {
            "as it must be"
        } else {
            "WHICH IS WRONG"
        };
        format!(
            "Afterwards the house began to take a fee: of the {paid} EUR that {customer} paid, {merchant}\n\
             gave it {fee}. {customer} got {refunded} back and has {left} EUR, {verdict}.",
        )
    }

    fn troubles(&self) -> String {
        let Settlement {
            dead_letter,
            error,
            at_stake,
            waited_for,
            replayed,
            ..
        } = &self.settlement;
        let Poison {
            stream_sequence,
            workers,
            error: why,
            discarded,
            ..
        } = &self.poison;
        format!(
            "One payment met a mistake that was planted in the settlement worker's table, and became\n\
             dead letter {dead_letter}, {} at stake:\n  {error}\n\
             The cut of the log waited ({waited_for}).\n\
             The mistake was mended, the dead letter {replayed}, and the cut closed with it.\n\n\
             Somebody put a message on the stream that is no event (position {}).\n\
             {} workers put it aside ({why}) and went on; {discarded} dead letters discarded.",
            money(at_stake),
            output::grouped(*stream_sequence),
            workers.len(),
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
            self.fraud(),
            self.holds(),
            self.paid(),
            self.back(),
            self.troubles(),
            format!("{}\n{}", market.verdict(), self.books()),
        ] {
            writeln!(f, "{part}\n")?;
        }
        f.write_str(&self.pace())
    }
}

fn money(totals: &Totals) -> String {
    let each = totals
        .iter()
        .map(|(currency, sum)| format!("{sum} {currency}"));
    each.collect::<Vec<_>>().join(", ")
}

//! Holds a batch of events against the rules.

use anyhow::anyhow;
use contracts::{
    AlertId, EventType, LedgerEvent,
    fraud::{AlertRaised, Rule},
    topology,
};
use metrics::counter;
use service_runtime::{
    Clock,
    log::{self, Draft},
    worker::{Delivery, Failure, Handler, SOURCE},
};
use sqlx::PgConnection;

use crate::{
    metrics::{ALERTS, UNMEASURED},
    rules::{
        Finding, Flow, Movement, Thresholds, Verdict, large_deposit, large_withdrawal, movement,
        rapid_withdrawals,
    },
    store,
};

/// Raises each alert once: it is named for its rule and event.
#[derive(Clone)]
pub struct RaiseAlerts {
    thresholds: Thresholds,
    clock: Clock,
}

impl RaiseAlerts {
    /// With these thresholds. The clock says when an alert is raised, and decides nothing.
    pub fn new(thresholds: Thresholds, clock: Clock) -> Self {
        Self { thresholds, clock }
    }
}

impl Handler for RaiseAlerts {
    type Event = LedgerEvent;

    const WORKER: topology::Worker = topology::Worker::Fraud;

    async fn handle(
        &self,
        tx: &mut PgConnection,
        batch: &[Delivery<LedgerEvent>],
    ) -> Result<(), Failure> {
        let (mut findings, mut debits) = (Vec::new(), Vec::new());
        for delivery in batch {
            let Some(movement) = movement(&delivery.event).map_err(inexact)? else {
                continue;
            };
            findings.extend(self.large(&movement));
            if movement.flow == Flow::Debit {
                debits.push(movement);
            }
        }
        findings.extend(rapid_in_tx(tx, &debits).await?);
        // In order of the key: the order in which rows are locked.
        findings.sort_unstable_by_key(Finding::alert);
        let raised = store::alerts::insert_in_tx(tx, &findings).await?;
        findings.retain(|finding| raised.contains(&finding.alert()));
        for finding in &findings {
            counter!(ALERTS.name, "rule" => finding.rule.as_str()).increment(1);
        }
        let drafts = findings.iter().map(|finding| draft(finding, batch));
        log::append_in_tx(tx, self.clock.now(), drafts.collect()).await?;
        Ok(())
    }
}

impl RaiseAlerts {
    /// What the rules about one movement find.
    fn large(&self, movement: &Movement) -> Vec<Finding> {
        let verdicts = [
            (
                Rule::LargeWithdrawal,
                large_withdrawal::check(movement, &self.thresholds),
            ),
            (
                Rule::LargeDeposit,
                large_deposit::check(movement, &self.thresholds),
            ),
        ];
        let mut findings = Vec::new();
        for (rule, verdict) in verdicts {
            match verdict {
                Verdict::Quiet => {}
                Verdict::Large { threshold } => findings.push(Finding {
                    rule,
                    movement: *movement,
                    threshold: Some(threshold),
                }),
                Verdict::NoThreshold => {
                    let currency = movement.money.currency().code().to_owned();
                    counter!(UNMEASURED.name, "rule" => rule.as_str(), "currency" => currency)
                        .increment(1);
                }
            }
        }
        findings
    }
}

/// Stores debits and finds every window that is full now, of those that came before too.
async fn rapid_in_tx(
    tx: &mut PgConnection,
    debits: &[Movement],
) -> Result<Vec<Finding>, sqlx::Error> {
    store::debits::insert_in_tx(tx, debits).await?;
    let spans = rapid_withdrawals::spans(debits);
    let around = store::debits::list_in_tx(tx, &spans).await?;
    let found = rapid_withdrawals::check(&around).into_iter();
    let finding = |movement| Finding {
        rule: Rule::RapidWithdrawals,
        movement,
        threshold: None,
    };
    Ok(found.map(finding).collect())
}

/// The event of an alert: only what can never change, and an id that a rebuild derives again.
fn draft(finding: &Finding, batch: &[Delivery<LedgerEvent>]) -> Draft {
    let Finding { rule, movement, .. } = *finding;
    let (consumer, alert): (_, AlertId) = (RaiseAlerts::WORKER.as_str(), finding.alert());
    let at = movement.posted_at;
    let id = log::derived_id(consumer, SOURCE, movement.seq, rule.as_str(), at);
    let event_type = EventType::AlertRaised;
    let caused_by = batch.iter().find(|delivery| delivery.seq == movement.seq);
    Draft {
        id,
        subject: event_type.subject_stem().to_owned(),
        traceparent: caused_by.and_then(|delivery| delivery.traceparent.clone()),
        data: Box::new(move |seq, posted_at| {
            let event = AlertRaised {
                id,
                event_type,
                seq,
                alert,
                rule,
                severity: rule.severity(),
                wallet: movement.wallet,
                event: movement.event,
                transaction: movement.transaction,
                currency: movement.money.currency(),
                amount: movement.money.amount(),
                effective_at: movement.effective_at,
                posted_at,
            };
            event.encode()
        }),
    }
}

fn inexact(error: contracts::MoneyError) -> Failure {
    Failure::Park {
        reason: "inexact_amount",
        error: anyhow!(error),
    }
}

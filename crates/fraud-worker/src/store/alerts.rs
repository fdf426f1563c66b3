//! Alerts: written once. The evidence of a window is read from the debits, not from a copy.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use contracts::{
    AlertId, Currency, EventId, Money, TransactionId, WalletId,
    fraud::Rule,
    rpc::{Alert, Evidence},
};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::foreign;
use crate::rules::{
    Finding,
    rapid_withdrawals::{WINDOW, WINDOW_SECONDS},
};

/// Debits of a window that evidence counts: who moves money a thousand times a minute needs no
/// exact number to be looked at, and a page of 200 alerts must be read in one go.
const COUNTED_MAX: i64 = 1_000;
/// Events that evidence names: as many as a person reads. A page of 200 alerts then stays well
/// below what a NATS message holds.
const NAMED_MAX: i64 = 20;

/// Stores alerts, in the order given, and says which are new.
///
/// # Errors
/// When the server refuses.
pub async fn insert_in_tx(
    tx: &mut PgConnection,
    findings: &[Finding],
) -> Result<HashSet<AlertId>, sqlx::Error> {
    if findings.is_empty() {
        return Ok(HashSet::new());
    }
    let ids = |id: fn(&Finding) -> Uuid| -> Vec<Uuid> { findings.iter().map(id).collect() };
    let texts =
        |text: fn(&Finding) -> String| -> Vec<String> { findings.iter().map(text).collect() };
    let times = |time: fn(&Finding) -> DateTime<Utc>| -> Vec<DateTime<Utc>> {
        findings.iter().map(time).collect()
    };
    let seqs: Vec<i64> = findings
        .iter()
        .map(|finding| i64::try_from(finding.movement.seq).unwrap_or(i64::MAX))
        .collect();
    let amounts: Vec<Decimal> = findings
        .iter()
        .map(|finding| finding.movement.money.amount())
        .collect();
    let thresholds: Vec<Option<Decimal>> =
        findings.iter().map(|finding| finding.threshold).collect();
    let raised = sqlx::query_scalar!(
        "INSERT INTO fraud.alerts (id, rule, wallet_id, event_id, seq, transaction_id, currency,
                                   amount, threshold, effective_at, posted_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[],
                              $6::uuid[], $7::text[], $8::numeric[], $9::numeric[],
                              $10::timestamptz[], $11::timestamptz[])
         ON CONFLICT DO NOTHING
         RETURNING id",
        &ids(|finding| finding.alert().as_uuid()),
        &texts(|finding| finding.rule.as_str().to_owned()),
        &ids(|finding| finding.movement.wallet.as_uuid()),
        &ids(|finding| finding.movement.event.as_uuid()),
        &seqs,
        &ids(|finding| finding.movement.transaction.as_uuid()),
        &texts(|finding| finding.movement.money.currency().code().to_owned()),
        &amounts,
        &thresholds as &[Option<Decimal>],
        &times(|finding| finding.movement.effective_at),
        &times(|finding| finding.movement.posted_at),
    )
    .fetch_all(tx)
    .await?;
    Ok(raised.into_iter().map(AlertId::from_uuid).collect())
}

struct Row {
    id: Uuid,
    rule: String,
    wallet_id: Uuid,
    event_id: Uuid,
    seq: i64,
    transaction_id: Uuid,
    currency: String,
    amount: Decimal,
    threshold: Option<Decimal>,
    effective_at: DateTime<Utc>,
    posted_at: DateTime<Utc>,
    counted: i64,
    named: Option<Vec<Uuid>>,
}

/// Which alerts to list.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Only this one.
    pub alert: Option<AlertId>,
    /// Only those of this wallet.
    pub wallet: Option<WalletId>,
    /// Only those after this one in the list.
    pub after: Option<AlertId>,
    /// How many at most.
    pub limit: u16,
}

/// Alerts, newest first by the ledger's time, with their evidence: one snapshot.
///
/// # Errors
/// When the server cannot be asked, or has what nobody wrote.
pub async fn list(pool: &PgPool, wanted: Wanted) -> Result<Vec<Alert>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT a.id, a.rule, a.wallet_id, a.event_id, a.seq, a.transaction_id, a.currency,
                  a.amount, a.threshold, a.effective_at, a.posted_at,
                  seen.counted AS "counted!", seen.named AS "named?"
           FROM (SELECT * FROM fraud.alerts
                 WHERE ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR wallet_id = $2)
                   AND ($3::uuid IS NULL OR id < $3)
                 ORDER BY id DESC LIMIT $4) a
           CROSS JOIN LATERAL (
               SELECT count(*) AS counted,
                      array_agg(event_id ORDER BY effective_at, event_id)
                          FILTER (WHERE place <= $7) AS named
               FROM (SELECT d.event_id, d.effective_at,
                            row_number() OVER (ORDER BY d.effective_at DESC, d.event_id DESC)
                                AS place
                     FROM fraud.debits d
                     WHERE a.rule = $5 AND d.wallet_id = a.wallet_id
                       AND d.effective_at > a.effective_at - $8::integer * interval '1 second'
                       AND d.effective_at <= a.effective_at
                     ORDER BY d.effective_at DESC, d.event_id DESC LIMIT $6) latest
           ) seen
           ORDER BY a.id DESC"#,
        wanted.alert.map(AlertId::as_uuid),
        wanted.wallet.map(WalletId::as_uuid),
        wanted.after.map(AlertId::as_uuid),
        i64::from(wanted.limit),
        Rule::RapidWithdrawals.as_str(),
        COUNTED_MAX,
        NAMED_MAX,
        i32::try_from(WINDOW.num_seconds()).unwrap_or(i32::MAX),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(alert).collect()
}

fn alert(row: Row) -> Result<Alert, sqlx::Error> {
    let rule = Rule::parse(&row.rule).ok_or_else(|| foreign("an unknown rule"))?;
    let currency: Currency = row.currency.parse().map_err(foreign)?;
    let exact = |amount| Money::exact(amount, currency).map(Money::amount);
    let event = EventId::from_uuid(row.event_id);
    let (window_seconds, count, events) = match rule {
        Rule::RapidWithdrawals => (
            Some(WINDOW_SECONDS),
            u64::try_from(row.counted).map_err(foreign)?,
            row.named.unwrap_or_default(),
        ),
        Rule::LargeWithdrawal | Rule::LargeDeposit => (None, 1, vec![row.event_id]),
    };
    Ok(Alert {
        id: AlertId::from_uuid(row.id),
        rule,
        severity: rule.severity(),
        wallet: WalletId::from_uuid(row.wallet_id),
        event,
        seq: u64::try_from(row.seq).map_err(foreign)?,
        transaction: TransactionId::from_uuid(row.transaction_id),
        effective_at: row.effective_at,
        posted_at: row.posted_at,
        evidence: Evidence {
            currency,
            amount: exact(row.amount).map_err(foreign)?,
            threshold: row.threshold.map(exact).transpose().map_err(foreign)?,
            window_seconds,
            count,
            events: events.into_iter().map(EventId::from_uuid).collect(),
        },
    })
}

//! Fee rules: inserted when they begin, and marked when they end.

use chrono::{DateTime, Utc};
use contracts::{FeeRuleId, event::FeeTerms};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::StoreError;
use crate::domain::{FeeRule, FeeRules};

/// The rules that are active, as of one version.
#[derive(Debug, Clone)]
pub struct ActiveRules {
    /// The head's `rules_version`: while it stays, so do the rules.
    pub version: i64,
    /// The rules.
    pub rules: FeeRules,
}

/// A rule that begins or ended.
#[derive(Debug, Clone)]
pub struct RuleRow {
    /// The rule.
    pub id: FeeRuleId,
    /// Where it began in the log.
    pub seq: u64,
    /// What it says.
    pub terms: FeeTerms,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it ended, and where in the log.
    pub ended: Option<(u64, DateTime<Utc>)>,
}

/// A rule, and where in the log it begins or ends.
#[derive(Debug, Clone, Copy)]
pub struct RuleAt {
    /// The rule.
    pub id: FeeRuleId,
    /// Where.
    pub seq: u64,
}

/// The active rules and their version, of one snapshot.
///
/// # Errors
/// When the server cannot be asked.
pub async fn active(connection: &mut PgConnection) -> Result<ActiveRules, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT head.rules_version, rule.id AS "id?", rule.terms AS "terms?"
           FROM ledger.head LEFT JOIN ledger.fee_rules rule ON rule.ended_seq IS NULL
           ORDER BY rule.seq"#
    )
    .fetch_all(connection)
    .await?;
    let version = rows.first().map_or(0, |row| row.rules_version);
    let mut rules = Vec::new();
    for row in rows {
        if let (Some(id), Some(text)) = (row.id, row.terms) {
            let (id, terms) = (Some(FeeRuleId::from_uuid(id)), terms(id, &text)?);
            rules.push(FeeRule { id, terms });
        }
    }
    Ok(ActiveRules {
        version,
        rules: FeeRules::new(rules),
    })
}

/// Inserts rules that begin, and marks those that end, all at the same moment.
///
/// # Errors
/// When the server refuses.
pub async fn write_in_tx(
    tx: &mut PgConnection,
    new: &[(RuleAt, FeeTerms)],
    ended: &[RuleAt],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = new.iter().map(|(rule, _)| rule.id.as_uuid()).collect();
    let seqs: Vec<i64> = new.iter().map(|(rule, _)| signed(rule.seq)).collect();
    let terms: Vec<String> = new
        .iter()
        .map(|(_, terms)| serde_json::to_string(terms).expect("terms have string keys only"))
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.fee_rules (id, seq, terms, created_at)
         SELECT id, seq, terms, $4
         FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS new(id, seq, terms)",
        &ids,
        &seqs,
        &terms,
        at,
    )
    .execute(&mut *tx)
    .await?;
    let ids: Vec<Uuid> = ended.iter().map(|rule| rule.id.as_uuid()).collect();
    let seqs: Vec<i64> = ended.iter().map(|rule| signed(rule.seq)).collect();
    sqlx::query!(
        "UPDATE ledger.fee_rules rule SET ended_seq = ended.seq, ended_at = $3
         FROM unnest($1::uuid[], $2::bigint[]) AS ended(id, seq)
         WHERE rule.id = ended.id",
        &ids,
        &seqs,
        at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// One rule.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(pool: &PgPool, id: FeeRuleId) -> Result<Option<RuleRow>, StoreError> {
    let row = sqlx::query_as!(
        StoredRule,
        "SELECT id, seq, terms, created_at, ended_seq, ended_at
         FROM ledger.fee_rules WHERE id = $1",
        id.as_uuid(),
    )
    .fetch_optional(pool)
    .await?;
    row.map(StoredRule::read).transpose()
}

/// Rules, newest first, that began before position `before` of the log.
///
/// # Errors
/// When the server cannot be asked.
pub async fn page(
    pool: &PgPool,
    before: Option<u64>,
    limit: u16,
) -> Result<Vec<RuleRow>, StoreError> {
    let rows = sqlx::query_as!(
        StoredRule,
        "SELECT id, seq, terms, created_at, ended_seq, ended_at
         FROM ledger.fee_rules WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
        before.map_or(i64::MAX, signed),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(StoredRule::read).collect()
}

struct StoredRule {
    id: Uuid,
    seq: i64,
    terms: String,
    created_at: DateTime<Utc>,
    ended_seq: Option<i64>,
    ended_at: Option<DateTime<Utc>>,
}

impl StoredRule {
    fn read(self) -> Result<RuleRow, StoreError> {
        Ok(RuleRow {
            id: FeeRuleId::from_uuid(self.id),
            seq: self.seq.unsigned_abs(),
            terms: terms(self.id, &self.terms)?,
            created_at: self.created_at,
            ended: self.ended_seq.map(i64::unsigned_abs).zip(self.ended_at),
        })
    }
}

fn terms(id: Uuid, text: &str) -> Result<FeeTerms, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::inconsistent("fee_rules", "terms", id))
}

fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

//! Accounts: what the house knows about the owners of wallets.

use chrono::{DateTime, Utc};
use contracts::{
    WalletId,
    event::{KycLevel, RiskLevel},
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::StoreError;
use crate::domain::{AccountState, Restrictions};

/// An account as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Whose.
    pub owner: String,
    /// What it may do, and how it is known.
    pub state: AccountState,
    /// When its first wallet was opened, or something was first said about it.
    pub created_at: DateTime<Utc>,
}

/// Inserts the rows of accounts that have none yet. `owners` must be sorted: two transactions that
/// add the same rows wait for each other in one order.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn insert_missing_in_tx(
    tx: &mut PgConnection,
    owners: &[String],
    created_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO ledger.accounts (owner, created_at)
         SELECT missing.owner, $2
         FROM unnest($1::text[]) WITH ORDINALITY AS missing(owner, position)
         ORDER BY position
         ON CONFLICT (owner) DO NOTHING",
        owners,
        created_at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks accounts that wallets are opened for: they do not change meanwhile. In the order of
/// `owners`, which must be sorted.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn share_in_tx(
    tx: &mut PgConnection,
    owners: &[String],
) -> Result<Vec<(String, AccountState)>, StoreError> {
    let rows = sqlx::query_as!(
        StateRow,
        "SELECT a.owner, a.restrictions, a.kyc_level, a.risk_level,
                a.document_reference
         FROM unnest($1::text[]) AS wanted(owner)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.accounts own WHERE own.owner = wanted.owner
             LIMIT 1 FOR SHARE) a",
        owners,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(StateRow::read).collect()
}

/// Locks accounts that change. In the order of `owners`, which must be sorted.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn lock_in_tx(
    tx: &mut PgConnection,
    owners: &[String],
) -> Result<Vec<(String, AccountState)>, StoreError> {
    // Not the stronger lock, which keeps foreign keys waiting: the first use of a currency has one,
    // and comes from somebody whose balance we want next.
    let rows = sqlx::query_as!(
        StateRow,
        "SELECT a.owner, a.restrictions, a.kyc_level, a.risk_level,
                a.document_reference
         FROM unnest($1::text[]) AS wanted(owner)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.accounts own WHERE own.owner = wanted.owner
             LIMIT 1 FOR NO KEY UPDATE) a",
        owners,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(StateRow::read).collect()
}

/// All wallets of accounts that are locked against change, so that the list stays true: who opens
/// a wallet locks its account.
///
/// # Errors
/// When the server refuses.
pub async fn wallets_in_tx(
    tx: &mut PgConnection,
    owners: &[String],
) -> Result<Vec<(WalletId, String)>, StoreError> {
    let rows = sqlx::query!(
        "SELECT w.id, w.owner
         FROM unnest($1::text[]) AS wanted(owner)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.wallets own
             WHERE own.owner = wanted.owner AND own.kind <> 'system') w",
        owners,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (WalletId::from_uuid(row.id), row.owner))
        .collect())
}

/// The accounts behind wallets of which the caller has locked a balance each. That lock is enough:
/// who changes an account locks every balance of it first, so what is read here stays true.
///
/// # Errors
/// When the server refuses.
pub async fn of_wallets_in_tx(
    tx: &mut PgConnection,
    wallets: &[WalletId],
) -> Result<Vec<(WalletId, String, AccountState)>, StoreError> {
    let ids: Vec<Uuid> = wallets.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT w.id, a.owner, a.restrictions, a.kyc_level, a.risk_level,
                a.document_reference
         FROM unnest($1::uuid[]) AS wanted(id)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.wallets own WHERE own.id = wanted.id LIMIT 1) w
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.accounts own WHERE own.owner = w.owner LIMIT 1) a",
        &ids,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = WalletId::from_uuid(row.id);
            let (owner, state) = StateRow {
                owner: row.owner,
                restrictions: row.restrictions,
                kyc_level: row.kyc_level,
                risk_level: row.risk_level,
                document_reference: row.document_reference,
            }
            .read()?;
            Ok((id, owner, state))
        })
        .collect()
}

/// Writes what was decided about locked accounts.
///
/// # Errors
/// When the server refuses.
pub async fn write_in_tx(
    tx: &mut PgConnection,
    changes: &[(&String, &AccountState)],
) -> Result<(), StoreError> {
    let states = || changes.iter().map(|(_, own)| own);
    let owners: Vec<String> = changes.iter().map(|(owner, _)| (*owner).clone()).collect();
    let bits: Vec<i16> = states().map(|own| own.restrictions.bits()).collect();
    let statuses: Vec<String> = states().map(|own| own.status().to_owned()).collect();
    let kyc: Vec<Option<String>> = states()
        .map(|own| own.kyc_level.map(|level| level.as_str().to_owned()))
        .collect();
    let risk: Vec<Option<String>> = states()
        .map(|own| own.risk_level.map(|level| level.as_str().to_owned()))
        .collect();
    let documents: Vec<Option<String>> =
        states().map(|own| own.document_reference.clone()).collect();
    sqlx::query!(
        "UPDATE ledger.accounts a
         SET restrictions = new.restrictions, status = new.status, kyc_level = new.kyc_level,
             risk_level = new.risk_level, document_reference = new.document_reference
         FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[])
              AS new(owner, restrictions, status, kyc_level, risk_level, document_reference)
         WHERE a.owner = new.owner",
        &owners,
        &bits,
        &statuses,
        &kyc as &[Option<String>],
        &risk as &[Option<String>],
        &documents as &[Option<String>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// One account.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(pool: &PgPool, owner: &str) -> Result<Option<AccountRow>, StoreError> {
    let row = sqlx::query!(
        "SELECT owner, restrictions, kyc_level, risk_level, document_reference, created_at
         FROM ledger.accounts WHERE owner = $1",
        owner,
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (owner, state) = StateRow {
        owner: row.owner,
        restrictions: row.restrictions,
        kyc_level: row.kyc_level,
        risk_level: row.risk_level,
        document_reference: row.document_reference,
    }
    .read()?;
    Ok(Some(AccountRow {
        owner,
        state,
        created_at: row.created_at,
    }))
}

struct StateRow {
    owner: String,
    restrictions: i16,
    kyc_level: Option<String>,
    risk_level: Option<String>,
    document_reference: Option<String>,
}

impl StateRow {
    fn read(self) -> Result<(String, AccountState), StoreError> {
        let bad = |column| StoreError::inconsistent("accounts", column, &self.owner);
        let kyc_level = self
            .kyc_level
            .as_deref()
            .map(|text| KycLevel::parse(text).ok_or_else(|| bad("kyc_level")))
            .transpose()?;
        let risk_level = self
            .risk_level
            .as_deref()
            .map(|text| RiskLevel::parse(text).ok_or_else(|| bad("risk_level")))
            .transpose()?;
        let state = AccountState {
            restrictions: Restrictions::from_bits(self.restrictions),
            kyc_level,
            document_reference: self.document_reference,
            risk_level,
        };
        Ok((self.owner, state))
    }
}

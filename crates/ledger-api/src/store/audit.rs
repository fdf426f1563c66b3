//! The audit trail: rows are added, read, and never changed.

use chrono::{DateTime, Utc};
use contracts::{AuditId, WalletId};
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Minted from `at`: rows are in the order of time.
    pub id: AuditId,
    /// When it was answered, or decided.
    pub at: DateTime<Utc>,
    /// `sub` of the token; none when no token was accepted.
    pub actor: Option<String>,
    /// `role` of the token.
    pub role: Option<String>,
    /// `owner` of the token; none for staff.
    pub owner: Option<String>,
    /// The client's address.
    pub client: String,
    /// The HTTP method.
    pub method: String,
    /// The route, as the router has it.
    pub route: String,
    /// The path.
    pub path: String,
    /// The idempotency key, good or not.
    pub key: Option<String>,
    /// The request id, as in logs.
    pub request_id: String,
    /// The HTTP status.
    pub status: u16,
    /// The code of a problem.
    pub code: Option<String>,
    /// Was it answered before?
    pub replayed: bool,
    /// The wallet it was about.
    pub wallet: Option<WalletId>,
    /// The event that tells it.
    pub seq: Option<u64>,
}

/// Rows, column by column.
#[derive(Debug, Default)]
pub struct AuditColumns {
    pub(super) ids: Vec<Uuid>,
    pub(super) at: Vec<DateTime<Utc>>,
    pub(super) actors: Vec<Option<String>>,
    pub(super) roles: Vec<Option<String>>,
    pub(super) owners: Vec<Option<String>>,
    pub(super) clients: Vec<String>,
    pub(super) methods: Vec<String>,
    pub(super) routes: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) keys: Vec<Option<String>>,
    pub(super) request_ids: Vec<String>,
    pub(super) statuses: Vec<i16>,
    pub(super) codes: Vec<Option<String>>,
    pub(super) replayed: Vec<bool>,
    pub(super) wallets: Vec<Option<Uuid>>,
    pub(super) seqs: Vec<Option<i64>>,
}

impl AuditColumns {
    /// Adds a row.
    pub fn push(&mut self, row: AuditRow) {
        self.ids.push(row.id.as_uuid());
        self.at.push(row.at);
        self.actors.push(row.actor);
        self.roles.push(row.role);
        self.owners.push(row.owner);
        self.clients.push(row.client);
        self.methods.push(row.method);
        self.routes.push(row.route);
        self.paths.push(row.path);
        self.keys.push(row.key);
        self.request_ids.push(row.request_id);
        self.statuses
            .push(i16::try_from(row.status).unwrap_or(i16::MAX));
        self.codes.push(row.code);
        self.replayed.push(row.replayed);
        self.wallets.push(row.wallet.map(WalletId::as_uuid));
        self.seqs
            .push(row.seq.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)));
    }
}

/// Adds rows. Those that are there already, because a connection was lost after they were
/// written, stay as they are.
///
/// # Errors
/// When the server refuses.
pub async fn insert(pool: &PgPool, rows: &[AuditRow]) -> Result<(), StoreError> {
    let mut columns = AuditColumns::default();
    for row in rows {
        columns.push(row.clone());
    }
    sqlx::query!(
        "INSERT INTO ledger.audit
                (id, at, actor, role, owner, client, method, route, path, idempotency_key,
                 request_id, status, code, replayed, wallet_id, seq)
         SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[],
                              $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                              $11::text[], $12::smallint[], $13::text[], $14::boolean[],
                              $15::uuid[], $16::bigint[])
         ON CONFLICT (id) DO NOTHING",
        &columns.ids,
        &columns.at,
        &columns.actors as &[Option<String>],
        &columns.roles as &[Option<String>],
        &columns.owners as &[Option<String>],
        &columns.clients,
        &columns.methods,
        &columns.routes,
        &columns.paths,
        &columns.keys as &[Option<String>],
        &columns.request_ids,
        &columns.statuses,
        &columns.codes as &[Option<String>],
        &columns.replayed,
        &columns.wallets as &[Option<Uuid>],
        &columns.seqs as &[Option<i64>],
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Which rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only those of this subject.
    pub actor: Option<String>,
    /// Only those about this wallet.
    pub wallet: Option<WalletId>,
    /// Only those of this moment or later.
    pub from: Option<DateTime<Utc>>,
    /// Only those before this moment.
    pub to: Option<DateTime<Utc>>,
    /// Only those with this status.
    pub status: Option<u16>,
}

/// Rows that fit, newest first, before `before`. The only index is that of the ids: without
/// `from`, a filter that little fits reads all rows.
///
/// # Errors
/// When the server cannot be asked, or takes too long.
pub async fn list(
    pool: &PgPool,
    filter: &AuditFilter,
    before: Option<AuditId>,
    limit: u16,
) -> Result<Vec<AuditRow>, StoreError> {
    // An id begins with the millisecond of `at`.
    let from = filter.from.map(|at| first_of(at, 0));
    let to = filter.to.map(|at| first_of(at, 1));
    let status = filter
        .status
        .map(|status| i16::try_from(status).unwrap_or(i16::MAX));
    let rows = sqlx::query!(
        "SELECT id, at, actor, role, owner, client, method, route, path, idempotency_key,
                request_id, status, code, replayed, wallet_id, seq
         FROM ledger.audit
         WHERE ($1::text IS NULL OR actor = $1)
           AND ($2::uuid IS NULL OR wallet_id = $2)
           AND ($3::smallint IS NULL OR status = $3)
           AND ($4::uuid IS NULL OR id >= $4) AND ($5::timestamptz IS NULL OR at >= $5)
           AND ($6::uuid IS NULL OR id < $6) AND ($7::timestamptz IS NULL OR at < $7)
           AND ($8::uuid IS NULL OR id < $8)
         ORDER BY id DESC LIMIT $9",
        filter.actor,
        filter.wallet.map(WalletId::as_uuid),
        status,
        from,
        filter.from,
        to,
        filter.to,
        before.map(AuditId::as_uuid),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let bad = |column| StoreError::inconsistent("audit", column, row.id);
            Ok(AuditRow {
                id: AuditId::from_uuid(row.id),
                at: row.at,
                actor: row.actor,
                role: row.role,
                owner: row.owner,
                client: row.client,
                method: row.method,
                route: row.route,
                path: row.path,
                key: row.idempotency_key,
                request_id: row.request_id,
                status: u16::try_from(row.status).map_err(|_| bad("status"))?,
                code: row.code,
                replayed: row.replayed,
                wallet: row.wallet_id.map(WalletId::from_uuid),
                seq: row
                    .seq
                    .map(|seq| u64::try_from(seq).map_err(|_| bad("seq")))
                    .transpose()?,
            })
        })
        .collect()
}

/// The lowest id of the millisecond of `at`, or of one that many later.
fn first_of(at: DateTime<Utc>, later: u64) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    let first = u128::from(millis.saturating_add(later) & 0xFFFF_FFFF_FFFF) << 80;
    Uuid::from_u128(first)
}

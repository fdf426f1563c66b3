//! `GET /v1/audit`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use contracts::{AuditId, WalletId, limits::REFERENCE_CHARS_MAX};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::{
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    openapi::ReadProblems,
    page::{self, Page, QueryOf},
};
use crate::store::audit::{self, AuditFilter, AuditRow};

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAudit {
    /// Only requests with a token of this `sub`.
    #[param(min_length = 1, max_length = 255)]
    actor: Option<String>,
    /// Only requests about this wallet, `wal_…`.
    wallet: Option<String>,
    /// Only from this time on.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Only before this time.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Only answers with this status, such as `403`.
    #[param(value_type = Option<u16>, minimum = 100, maximum = 599)]
    status: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A request that may have changed something, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditView {
    /// The row, `aud_…`.
    #[schema(value_type = String)]
    id: AuditId,
    /// When it was decided, or answered.
    at: DateTime<Utc>,
    /// `sub` of the token; null when no token was accepted.
    actor: Option<String>,
    /// `role` of the token.
    role: Option<String>,
    /// `owner` of the token; null for staff.
    owner: Option<String>,
    /// The client's address.
    #[schema(example = "192.0.2.7")]
    client: String,
    /// The HTTP method.
    #[schema(example = "POST")]
    method: String,
    /// The route; `unmatched` when there is none.
    #[schema(example = "/v1/wallets/{id}/transfer")]
    route: String,
    /// The path, without the query.
    path: String,
    /// The idempotency key, good or not.
    idempotency_key: Option<String>,
    /// The request id, as in logs.
    request_id: String,
    /// The HTTP status.
    #[schema(example = 201)]
    status: u16,
    /// The code, when it is a problem.
    code: Option<String>,
    /// Was it an answer from before?
    replayed: bool,
    /// The wallet that it was about, where that is known.
    #[schema(value_type = Option<String>)]
    wallet: Option<WalletId>,
    /// The event that tells of it; null when nothing was decided.
    seq: Option<u64>,
}

impl AuditView {
    fn of(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: row.actor,
            role: row.role,
            owner: row.owner,
            client: row.client,
            method: row.method,
            route: row.route,
            path: row.path,
            idempotency_key: row.key,
            request_id: row.request_id,
            status: row.status,
            code: row.code,
            replayed: row.replayed,
            wallet: row.wallet,
            seq: row.seq,
        }
    }
}

/// Who asked for which change, newest first.
///
/// Every request under `/v1` that may change something has a row, the refused ones too. Rows of
/// what the ledger decided are there with the answer; others follow in a moment. Say `from` when
/// few rows fit: without it a search goes back to the first one.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    operation_id = "list_audit",
    params(ListAudit),
    responses((status = 200, description = "A page of rows.", body = Page<AuditView>), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    QueryOf(query): QueryOf<ListAudit>,
) -> Result<Json<Page<AuditView>>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let before = page::cursor(query.cursor.as_deref())?;
    let filter = query.filter()?;
    // One more: whether it is there tells whether there is a next page.
    let rows = audit::list(api.pool(), &filter, before, limit + 1).await?;
    Ok(Json(Page::cut(rows, limit, |row| row.id, AuditView::of)))
}

impl ListAudit {
    fn filter(self) -> Result<AuditFilter, ApiError> {
        let wrong = |field| move || ApiError::from(ErrorCode::InvalidQuery).field(field);
        let is_name = |name: &String| {
            (1..=REFERENCE_CHARS_MAX).contains(&name.chars().count())
                && !name.chars().any(char::is_control)
        };
        let wallet = self
            .wallet
            .map(|text| text.parse().ok().ok_or_else(wrong("wallet")));
        let status = self
            .status
            .map(|text| status(&text).ok_or_else(wrong("status")));
        let from = self
            .from
            .map(|text| moment(&text).ok_or_else(wrong("from")));
        let to = self.to.map(|text| moment(&text).ok_or_else(wrong("to")));
        let actor = self
            .actor
            .map(|name| Some(name).filter(is_name).ok_or_else(wrong("actor")));
        Ok(AuditFilter {
            actor: actor.transpose()?,
            wallet: wallet.transpose()?,
            from: from.transpose()?,
            to: to.transpose()?,
            status: status.transpose()?,
        })
    }
}

fn status(text: &str) -> Option<u16> {
    // `parse` would take a plus sign.
    let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let status = text.parse().ok().filter(|_| digits)?;
    (100..=599).contains(&status).then_some(status)
}

/// A moment that ids can say: not before 1970, and of four digits of years.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (at.timestamp() >= 0).then_some(at)
}

//! Where a request comes from, known while it is handled.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use contracts::{AuditId, WalletId, limits::IDEMPOTENCY_KEY_CHARS_MAX};
use service_runtime::entropy;

use crate::store::audit::AuditRow;

/// Characters of a path that are kept: four times the longest route with its id.
const PATH_CHARS_MAX: usize = 512;
/// Characters of a subject or owner that are kept: our issuer's are as long as a wallet's owner at
/// most, and nobody shall fill the table with longer ones.
const NAME_CHARS_MAX: usize = 255;

tokio::task_local! {
    static CURRENT: Arc<Origin>;
}

/// Who bears a token that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// `sub`.
    pub actor: String,
    /// `role`.
    pub role: &'static str,
    /// `owner`; empty for staff.
    pub owner: String,
}

/// What came of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The HTTP status.
    pub status: u16,
    /// The code of a problem.
    pub code: Option<String>,
    /// Was it answered before?
    pub replayed: bool,
    /// The event that tells it.
    pub seq: Option<u64>,
    /// The wallet that it was about, where the path does not say.
    pub wallet: Option<WalletId>,
    /// The key, where it is another one than the request's.
    pub key: Option<String>,
}

/// A request that may change something.
#[derive(Debug)]
pub struct Origin {
    client: String,
    method: &'static str,
    route: String,
    path: String,
    key: Option<String>,
    request_id: String,
    /// Known once the token was verified.
    bearer: OnceLock<Bearer>,
}

impl Origin {
    /// What the request says of itself, cut to what is kept. `key` is its `Idempotency-Key` as it
    /// came, good or not.
    pub fn new(
        client: String,
        method: &'static str,
        route: &str,
        path: &str,
        key: Option<&[u8]>,
        request_id: &str,
    ) -> Self {
        let key = key.map(|key| cut(&String::from_utf8_lossy(key), IDEMPOTENCY_KEY_CHARS_MAX));
        Self {
            client,
            method,
            route: route.to_owned(),
            path: cut(path, PATH_CHARS_MAX),
            key,
            request_id: request_id.to_owned(),
            bearer: OnceLock::new(),
        }
    }

    /// Handles a request as coming from here. A task-local and not an argument: whatever a handler
    /// submits has its row, and no handler can forget it.
    pub async fn within<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Where the request that is being handled comes from; nowhere for the ledger's own doings.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Says who bears the token of the request that is being handled.
    pub fn identify(bearer: Bearer) {
        if let Some(origin) = Self::current() {
            // A request is authorised once; a second time would say the same.
            let _ = origin.bearer.set(bearer);
        }
    }

    /// The row that says what came of it.
    pub fn row(&self, at: DateTime<Utc>, verdict: Verdict) -> AuditRow {
        let bearer = self.bearer.get();
        AuditRow {
            id: AuditId::mint(at, entropy()),
            at,
            actor: bearer.map(|bearer| cut(&bearer.actor, NAME_CHARS_MAX)),
            role: bearer.map(|bearer| bearer.role.to_owned()),
            owner: bearer
                .filter(|bearer| !bearer.owner.is_empty())
                .map(|bearer| cut(&bearer.owner, NAME_CHARS_MAX)),
            client: self.client.clone(),
            method: self.method.to_owned(),
            route: self.route.clone(),
            path: self.path.clone(),
            key: verdict.key.or_else(|| self.key.clone()),
            request_id: self.request_id.clone(),
            status: verdict.status,
            code: verdict.code,
            replayed: verdict.replayed,
            wallet: verdict.wallet.or_else(|| self.wallet()),
            seq: verdict.seq,
        }
    }

    /// The wallet that the path names.
    fn wallet(&self) -> Option<WalletId> {
        let rest = self.path.strip_prefix("/v1/wallets/")?;
        rest.split('/').next()?.parse().ok()
    }
}

/// At most so many characters, and none that Postgres cannot store.
fn cut(text: &str, chars_max: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(chars_max)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_makes_up_is_cut() {
        let long = "x".repeat(10_000);
        let origin = Origin::new(
            "127.0.0.1".to_owned(),
            "POST",
            "/v1/payments",
            &long,
            Some(long.as_bytes()),
            "r",
        );
        let row = origin.row(DateTime::UNIX_EPOCH, Verdict::default());
        assert_eq!(row.path.len(), PATH_CHARS_MAX);
        assert_eq!(
            row.key.map(|key| key.len()),
            Some(IDEMPOTENCY_KEY_CHARS_MAX)
        );
        let odd = Origin::new(String::new(), "POST", "", "", Some(b"\xff\t\0a"), "");
        let row = odd.row(DateTime::UNIX_EPOCH, Verdict::default());
        assert_eq!(row.key.as_deref(), Some("\u{fffd}a"));
    }
}

//! What handlers work with.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use contracts::WalletId;
use service_runtime::Clock;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use super::{
    error::{ApiError, ErrorCode},
    pace::Pace,
    recent::Recent,
};
use crate::{
    auth::{Permission, Principal, TokenVerifier},
    domain::{SystemShard, exchange::Terms},
    posting::Engine,
    store::wallets::{self, Facts},
    workers::Workers,
};

/// Half of the wallets whose facts are remembered: twice 32,768 at about 150 bytes are 10 MB,
/// and the write path of the busiest wallets costs no read.
const WALLETS_REMEMBERED_HALF: usize = 32 * 1024;
/// Half of the tokens whose signature is remembered as good: checking one costs as much as the
/// rest of a request. Only tokens that we verified get in, so nobody can fill it with noise.
const TOKENS_REMEMBERED_HALF: usize = 8 * 1024;

/// What handlers work with; clones share it.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    engine: Engine,
    pool: PgPool,
    workers: Workers,
    verifier: TokenVerifier,
    clock: Clock,
    pace: Pace,
    terms: Terms,
    facts: Recent<WalletId, Facts>,
    tokens: Recent<[u8; 32], (Arc<Principal>, i64)>,
}

impl Api {
    /// `pool` is for reads only: money moves through `engine`.
    pub fn new(
        engine: Engine,
        pool: PgPool,
        workers: Workers,
        verifier: TokenVerifier,
        clock: Clock,
        requests_per_second: u32,
        terms: Terms,
    ) -> Self {
        Self(Arc::new(Inner {
            engine,
            pool,
            workers,
            verifier,
            clock,
            pace: Pace::new(requests_per_second),
            terms,
            facts: Recent::new(WALLETS_REMEMBERED_HALF),
            tokens: Recent::new(TOKENS_REMEMBERED_HALF),
        }))
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    pub(super) fn workers(&self) -> &Workers {
        &self.0.workers
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// How the house exchanges.
    pub(super) fn terms(&self) -> &Terms {
        &self.0.terms
    }

    /// Who bears a token. The memory is of signatures only: expiry is checked every time.
    pub(super) fn verify(&self, token: &str) -> Result<Arc<Principal>, ApiError> {
        let now = self.0.clock.now();
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some((principal, expires)) = self.0.tokens.get(digest)
            && now.timestamp() < expires
        {
            return Ok(principal);
        }
        let (principal, expires) = self.0.verifier.verify(token, now)?;
        let principal = Arc::new(principal);
        self.0
            .tokens
            .insert(digest, (Arc::clone(&principal), expires));
        Ok(principal)
    }

    /// Refuses a customer or merchant who asks too fast. Staff and services act for many.
    pub(super) fn pace(&self, principal: &Principal) -> Result<(), ApiError> {
        let second = self.0.clock.now().timestamp();
        let many = principal.may(Permission::WalletsReadAny);
        if many || self.0.pace.admits(&principal.subject, second) {
            Ok(())
        } else {
            Err(ErrorCode::TooManyRequests.into())
        }
    }

    /// Counts the operations of a batch like requests of their own.
    pub(super) fn pace_batch(&self, principal: &Principal, operations: usize) {
        let second = self.0.clock.now().timestamp();
        let more = u32::try_from(operations.saturating_sub(1)).unwrap_or(u32::MAX);
        self.0.pace.count(&principal.subject, second, more);
    }

    /// The facts about wallets that never change, in the order of `ids`; all of them must be
    /// there. What is not remembered is read in one statement.
    pub(super) async fn facts<const N: usize>(
        &self,
        ids: [WalletId; N],
    ) -> Result<[Facts; N], ApiError> {
        let mut found = self.facts_of(&ids).await?;
        let all: Option<Vec<Facts>> = ids.iter().map(|id| found.remove(id)).collect();
        all.and_then(|all| all.try_into().ok())
            .ok_or_else(|| ErrorCode::NotFound.into())
    }

    /// The facts about as many of the wallets as are there. What is not remembered is read in one
    /// statement; the system's own wallets are nobody's business, so they are not there.
    pub(super) async fn facts_of(
        &self,
        ids: &[WalletId],
    ) -> Result<HashMap<WalletId, Facts>, ApiError> {
        let mut found = HashMap::with_capacity(ids.len());
        let mut missing = BTreeSet::new();
        for id in ids
            .iter()
            .copied()
            .filter(|id| !SystemShard::is_system(*id))
        {
            match self.0.facts.get(id) {
                Some(facts) => {
                    found.insert(id, facts);
                }
                None => {
                    missing.insert(id);
                }
            }
        }
        if !missing.is_empty() {
            let missing: Vec<WalletId> = missing.into_iter().collect();
            for (id, facts) in wallets::facts(self.pool(), &missing).await? {
                self.0.facts.insert(id, facts.clone());
                found.insert(id, facts);
            }
        }
        Ok(found)
    }

    /// The facts about a wallet that `principal` may see and use; to anybody else it is not
    /// there.
    pub(super) async fn own(&self, id: WalletId, principal: &Principal) -> Result<Facts, ApiError> {
        let [facts] = self.facts([id]).await?;
        if principal.sees(&facts.owner) {
            Ok(facts)
        } else {
            Err(ErrorCode::NotFound.into())
        }
    }
}

//! Phase 1: keys are claimed, and the answers of those that were claimed before are found.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::pending::{Item, Pending};
use crate::store::{
    self, StoreError,
    claims::{NewClaim, StoredAnswer},
};

/// What became of one command's key.
pub(super) enum Claim {
    /// It is this command's: go on.
    Fresh,
    /// Another request of this very batch has it.
    SameAs { answer_id: Uuid, same: bool },
    /// It was answered before.
    Stored(StoredAnswer),
}

/// Claims the keys of a batch, entry by entry. A rehearsal only looks whose they are.
pub(super) async fn claim(
    tx: &mut PgConnection,
    batch: &[Pending],
    rehearsal: bool,
) -> Result<Vec<Vec<Claim>>, StoreError> {
    // First come first served within the batch; sorted by the bytes of caller and key.
    let mut first: BTreeMap<(&str, &str), &Item> = BTreeMap::new();
    for item in batch.iter().flat_map(|pending| &pending.items) {
        first.entry(key(item)).or_insert(item);
    }
    let claims: Vec<NewClaim> = first.values().map(|item| item.claim()).collect();
    let mut mine: HashSet<Uuid> = if rehearsal {
        HashSet::new()
    } else {
        store::claims::claim_in_tx(tx, &claims).await?
    };
    let others: Vec<&NewClaim> = claims
        .iter()
        .filter(|claim| !mine.contains(&claim.answer_id))
        .collect();
    let mut stored: HashMap<(&str, &str), StoredAnswer> = HashMap::new();
    if !others.is_empty() {
        for answer in store::claims::answers_in_tx(tx, &others).await? {
            let claim = others[answer.position];
            stored.insert((&claim.caller, &claim.key), answer);
        }
    }
    if rehearsal {
        mine = first
            .iter()
            .filter(|(key, _)| !stored.contains_key(*key))
            .map(|(_, item)| item.answer_id)
            .collect();
    }
    let claim = |item: &Item| {
        let key = key(item);
        let winner = first[&key];
        if mine.contains(&item.answer_id) {
            Ok(Claim::Fresh)
        } else if mine.contains(&winner.answer_id) {
            let same = winner.command.fingerprint == item.command.fingerprint;
            Ok(Claim::SameAs {
                answer_id: winner.answer_id,
                same,
            })
        } else {
            let answer = stored.get(&key).cloned();
            answer.map(Claim::Stored).ok_or_else(|| {
                StoreError::inconsistent("idempotency_keys", "answer_id", item.answer_id)
            })
        }
    };
    batch
        .iter()
        .map(|pending| pending.items.iter().map(claim).collect())
        .collect()
}

fn key(item: &Item) -> (&str, &str) {
    (&item.command.caller.0, &item.command.key)
}

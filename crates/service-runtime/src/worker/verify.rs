//! Sorts messages into those of the log, foreign ones, and those that must wait until the log
//! answers.

use std::collections::BTreeMap;

use contracts::chain::{self, Hash};
use metrics::counter;

use super::{
    ledger::{Away, Ledger},
    message::{Claim, Item, claim},
    metrics::CONTRADICTIONS,
    pull::{Receipt, Received},
    trust::{Known, Proof, prove, runs},
};
use crate::inbox::SeqSet;

/// A message of the log, with how to answer it.
pub(crate) struct Genuine {
    pub(crate) item: Item,
    pub(crate) receipt: Receipt,
}

/// Messages, sorted.
#[derive(Default)]
pub(crate) struct Sorted {
    pub(crate) genuine: Vec<Genuine>,
    pub(crate) foreign: Vec<(Received, &'static str)>,
    pub(crate) waiting: Vec<(Received, u64)>,
}

struct Candidate {
    message: Received,
    claim: Claim,
    proof: Proof,
}

/// Sorts a batch. Asks the log once for each run of messages that nobody has compared with it,
/// and for the pages of those that the chain does not prove.
pub(crate) async fn sort(
    batch: Vec<Received>,
    known: &mut Known,
    ledger: &mut Ledger,
    consumer: &'static str,
) -> Sorted {
    let mut sorted = Sorted::default();
    let mut candidates = Vec::with_capacity(batch.len());
    for message in batch {
        match claim(&message.raw) {
            Ok(claim) => candidates.push(Candidate {
                message,
                claim,
                proof: Proof::Open,
            }),
            Err(why) => sorted.foreign.push((message, why)),
        }
    }
    candidates.sort_by_key(|candidate| candidate.claim.seq);
    prove_by_chain(&mut candidates, known);
    confirm_runs(&mut candidates, ledger, consumer).await;
    let open: SeqSet = candidates
        .iter()
        .filter(|candidate| candidate.proof == Proof::Open)
        .map(|candidate| candidate.claim.seq)
        .collect();
    let logged = if open.is_empty() {
        Ok(BTreeMap::new())
    } else {
        read(ledger, &open).await
    };
    for Candidate {
        message,
        claim,
        proof,
    } in candidates
    {
        let proven = match (proof, &logged) {
            (Proof::Known(hash) | Proof::Linked(hash), _) => Ok(Some(hash)),
            (Proof::Open, Ok(logged)) => Ok(logged
                .get(&claim.seq)
                .filter(|event| event.1.as_bytes() == message.raw.data.as_ref())
                .map(|event| event.0)),
            (Proof::Open, Err(Away)) => Err(Away),
        };
        match proven {
            Ok(Some(hash)) => {
                if known.get(claim.seq).is_some_and(|before| before != hash) {
                    contradicted(claim.seq, consumer);
                }
                known.add(claim.seq, hash);
                sorted.genuine.push(genuine(message, &claim, hash));
            }
            Ok(None) => sorted.foreign.push((message, "the log does not have it")),
            Err(Away) => sorted.waiting.push((message, claim.seq)),
        }
    }
    sorted
}

fn genuine(message: Received, claim: &Claim, hash: Hash) -> Genuine {
    let posted_at = claim.posted_at;
    let item = Item {
        seq: claim.seq,
        hash: Some(hash),
        posted_at,
        raw: message.raw,
    };
    Genuine {
        item,
        receipt: message.receipt,
    }
}

fn prove_by_chain(candidates: &mut [Candidate], known: &Known) {
    let claims: Vec<(u64, Hash, &[u8])> = candidates
        .iter()
        .map(|candidate| {
            let data = candidate.message.raw.data.as_ref();
            (candidate.claim.seq, candidate.claim.hash, data)
        })
        .collect();
    let proofs = prove(known, &claims);
    for (candidate, proof) in candidates.iter_mut().zip(proofs) {
        candidate.proof = proof;
    }
}

/// Compares the last link of each run with the log, which proves the whole run. Usually there
/// is one run. When the log does not answer, the chain is what there is: a dead ledger must not
/// stop a worker.
async fn confirm_runs(candidates: &mut [Candidate], ledger: &mut Ledger, consumer: &'static str) {
    let linked: BTreeMap<u64, Hash> = candidates
        .iter()
        .filter_map(|candidate| match candidate.proof {
            Proof::Linked(hash) => Some((candidate.claim.seq, hash)),
            Proof::Known(_) | Proof::Open => None,
        })
        .collect();
    for (first, last) in runs(linked.keys().copied()) {
        let Ok(of_log) = ledger.hash_of(last).await else {
            return;
        };
        if of_log == linked.get(&last).copied() {
            continue;
        }
        contradicted(last, consumer);
        for candidate in candidates.iter_mut() {
            let in_run = (first..=last).contains(&candidate.claim.seq);
            if in_run && matches!(candidate.proof, Proof::Linked(_)) {
                candidate.proof = Proof::Open;
            }
        }
    }
}

/// Hash and data of these events, as far as the log has them.
async fn read(ledger: &mut Ledger, wanted: &SeqSet) -> Result<BTreeMap<u64, (Hash, String)>, Away> {
    let mut found = BTreeMap::new();
    for range in wanted.ranges() {
        let mut from = *range.start();
        while from <= *range.end() {
            let page = ledger.page(from, *range.end()).await?;
            let Some(last) = page.events.last() else {
                break;
            };
            from = last.seq + 1;
            for event in page.events {
                if let Some(hash) = chain::parse(&event.hash) {
                    found.insert(event.seq, (hash, event.data));
                }
            }
        }
    }
    Ok(found)
}

fn contradicted(seq: u64, consumer: &'static str) {
    counter!(CONTRADICTIONS.name, "consumer" => consumer).increment(1);
    tracing::error!(seq, "The log has another event {seq} than the stream");
}

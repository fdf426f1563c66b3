//! Which messages are the log's: the hash chain, in memory. Pure.
//!
//! A message whose predecessor's hash is known proves itself: `link(previous, data)` must be
//! the hash it claims. What the chain proves is only that somebody who knew the previous hash
//! wrote it. Whoever may publish and read the stream can append a self-made link to its end, so
//! the end of each run of such messages is also compared with the log when the log answers.

use std::collections::BTreeMap;

use contracts::chain::{self, GENESIS, Hash};

/// Hashes kept in memory, the newest ones: enough for redeliveries of what nats-server may have
/// in flight (2,000 messages), and less than a megabyte.
const HASHES_MAX: usize = 10_000;

/// Hashes of the log that are known.
#[derive(Debug)]
pub(crate) struct Known {
    hashes: BTreeMap<u64, Hash>,
}

impl Known {
    pub(crate) fn new(trusted: (u64, Hash)) -> Self {
        Self {
            hashes: BTreeMap::from([(0, GENESIS), trusted]),
        }
    }

    /// Remembers a hash that was proven.
    pub(crate) fn add(&mut self, seq: u64, hash: Hash) {
        self.hashes.insert(seq, hash);
        while self.hashes.len() > HASHES_MAX {
            // The first entry is the genesis, which stays.
            let oldest = self.hashes.range(1..).next().map(|(seq, _)| *seq);
            oldest.and_then(|seq| self.hashes.remove(&seq));
        }
    }

    pub(crate) fn get(&self, seq: u64) -> Option<Hash> {
        self.hashes.get(&seq).copied()
    }
}

/// What the chain says about one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The very event that is known by this number.
    Known(Hash),
    /// It follows what is known, and nobody has compared it with the log.
    Linked(Hash),
    /// The chain does not tell: the log must be asked.
    Open,
}

/// What of the claims the chain proves. Claims are in order of `seq`; each is the number, the
/// claimed hash and the data.
pub(crate) fn prove(known: &Known, claims: &[(u64, Hash, &[u8])]) -> Vec<Proof> {
    let mut linked: BTreeMap<u64, Hash> = BTreeMap::new();
    let mut proofs = Vec::with_capacity(claims.len());
    for same_seq in claims.chunk_by(|one, other| one.0 == other.0) {
        let seq = same_seq[0].0;
        let previous = linked
            .get(&(seq - 1))
            .copied()
            .or_else(|| known.get(seq - 1));
        let first = proofs.len();
        proofs.extend(same_seq.iter().map(|(_, claimed, data)| {
            let Some(hash) = previous.map(|previous| chain::link(&previous, data)) else {
                return Proof::Open;
            };
            match known.get(seq) {
                Some(of_log) if of_log == hash => Proof::Known(hash),
                None if hash == *claimed => Proof::Linked(hash),
                _ => Proof::Open,
            }
        }));
        settle_rivals(&mut proofs[first..]);
        if let Some(Proof::Linked(hash)) = proofs[first..]
            .iter()
            .find(|proof| matches!(proof, Proof::Linked(_)))
        {
            linked.insert(seq, *hash);
        }
    }
    proofs
}

/// Two different messages that both link to the same predecessor: the chain cannot tell which
/// one the log has.
fn settle_rivals(proofs: &mut [Proof]) {
    let mut links = proofs
        .iter()
        .filter(|proof| matches!(proof, Proof::Linked(_)));
    let Some(one) = links.next().copied() else {
        return;
    };
    if links.any(|other| *other != one) {
        for proof in proofs
            .iter_mut()
            .filter(|proof| matches!(proof, Proof::Linked(_)))
        {
            *proof = Proof::Open;
        }
    }
}

/// The runs of linked messages, as first and last number: comparing the last one with the log
/// proves the whole run.
pub(crate) fn runs(linked: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for seq in linked {
        match runs.last_mut() {
            Some(run) if run.1 == seq || run.1 + 1 == seq => run.1 = seq,
            _ => runs.push((seq, seq)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(n: u64) -> Vec<(u64, Hash, Vec<u8>)> {
        let mut previous = GENESIS;
        (1..=n)
            .map(|seq| {
                let data = format!("event {seq}").into_bytes();
                previous = chain::link(&previous, &data);
                (seq, previous, data)
            })
            .collect()
    }

    fn claims(log: &[(u64, Hash, Vec<u8>)]) -> Vec<(u64, Hash, &[u8])> {
        log.iter()
            .map(|(seq, hash, data)| (*seq, *hash, data.as_slice()))
            .collect()
    }

    #[test]
    fn a_run_that_follows_what_is_known_proves_itself_link_by_link() {
        let log = log(5);
        let proofs = prove(&Known::new((0, GENESIS)), &claims(&log));
        assert!(proofs.iter().all(|proof| matches!(proof, Proof::Linked(_))));
        let known = Known::new((3, log[2].1));
        let proofs = prove(&known, &claims(&log[3..]));
        assert_eq!(proofs, [Proof::Linked(log[3].1), Proof::Linked(log[4].1)]);
    }

    #[test]
    fn a_gap_or_a_changed_byte_is_left_to_the_log() {
        let mut log = log(6);
        log[3].2.push(b'!');
        log.remove(0);
        let proofs = prove(&Known::new((0, GENESIS)), &claims(&log));
        assert_eq!(proofs[0], Proof::Open, "its predecessor is not there");
        let known = Known::new((1, self::log(1)[0].1));
        let proofs = prove(&known, &claims(&log));
        assert!(matches!(proofs[1], Proof::Linked(_)));
        assert_eq!(
            proofs[2..],
            [Proof::Open; 3],
            "nothing follows a message that is not proven"
        );
    }

    #[test]
    fn a_repetition_is_known_and_a_rival_of_it_is_not() {
        let log = log(2);
        let mut known = Known::new((0, GENESIS));
        known.add(1, log[0].1);
        let forged = (1, chain::link(&GENESIS, b"forged"), b"forged".as_slice());
        let proofs = prove(&known, &[claims(&log)[0], forged]);
        assert_eq!(proofs, [Proof::Known(log[0].1), Proof::Open]);
    }

    #[test]
    fn two_messages_that_fit_the_same_place_are_both_open() {
        let log = log(2);
        let forged = (1, chain::link(&GENESIS, b"forged"), b"forged".as_slice());
        let real = claims(&log);
        let proofs = prove(&Known::new((0, GENESIS)), &[forged, real[0], real[1]]);
        assert_eq!(proofs, [Proof::Open; 3]);
        let twice = prove(&Known::new((0, GENESIS)), &[real[0], real[0], real[1]]);
        assert!(
            twice.iter().all(|proof| matches!(proof, Proof::Linked(_))),
            "repeated, not rival"
        );
    }

    #[test]
    fn runs_end_where_numbers_jump() {
        assert_eq!(runs([1, 2, 2, 3, 7, 9, 10]), [(1, 3), (7, 7), (9, 10)]);
    }

    #[test]
    fn memory_is_bounded_and_keeps_the_genesis() {
        let mut known = Known::new((0, GENESIS));
        for seq in 1..=u64::try_from(HASHES_MAX).expect("small") + 10 {
            known.add(seq, [1; 32]);
        }
        assert_eq!(known.hashes.len(), HASHES_MAX);
        assert_eq!((known.get(0), known.get(5)), (Some(GENESIS), None));
    }
}

//! The look at the stream's end: which of the log's events is its last?
//!
//! Walking back from the last message, one is **ours** when the log has its hash at its
//! position and its data links to the hash before; **diverged** when it links to the log's
//! past, and the log goes on otherwise: then Postgres was restored to an older state; else it
//! is **foreign**: somebody else published on our subjects, and the walk goes on before it.

use async_nats::jetstream::{
    message::StreamMessage,
    stream::{LastRawMessageErrorKind, State, Stream},
};
use contracts::chain;
use tokio::time::Instant;

use super::{
    PING_EVERY, Trouble,
    decide::End,
    leader::{Around, Leader},
    message::{self, Claim},
};

/// Messages that the walk goes back: seconds of work, and far more than an accident leaves.
const WALK_MAX: u64 = 10_000;
/// Ours whose position is before the cursor that are asked for one of a higher position before
/// the stream counts as shorter: somebody may have copied an old message to its end.
const OURS_MAX: u32 = 16;

/// What one message is to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ours,
    Diverged,
    Foreign,
}

/// What the walk found.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) end: End,
    /// Foreign messages after the end.
    pub(super) foreign: u64,
}

/// Walks back from the stream's last message.
pub(super) async fn walk(
    stream: &Stream,
    state: &State,
    leader: &mut Leader,
    cursor: u64,
) -> Result<Walk, Trouble> {
    let (head, _) = leader.head().await?;
    let mut beyond = Beyond::new(head);
    let mut ours: Option<u64> = None;
    let (mut ours_seen, mut foreign) = (0, 0);
    let mut spoke_at = Instant::now();
    let first = if state.messages == 0 {
        state.last_sequence + 1
    } else {
        state.first_sequence
    };
    let stop = first
        .max(state.last_sequence.saturating_sub(WALK_MAX) + 1)
        .max(1);
    for sequence in (stop..=state.last_sequence).rev() {
        // Postgres ends a session that is silent for long, and with it the lead; a message
        // without headers of ours is not looked for in the log.
        if spoke_at.elapsed() >= PING_EVERY {
            leader.head().await?;
            spoke_at = Instant::now();
        }
        let Some(stored) = get(stream, sequence).await? else {
            continue;
        };
        let claim = message::claim(&stored.headers);
        let verdict = match &claim {
            None => Verdict::Foreign,
            Some(claim) => judge(claim, &stored.payload, &leader.around(claim.seq).await?),
        };
        match (verdict, claim) {
            (Verdict::Ours, Some(claim)) => {
                ours = ours.max(Some(claim.seq));
                ours_seen += 1;
                if claim.seq >= cursor || ours_seen >= OURS_MAX {
                    break;
                }
            }
            (Verdict::Diverged, Some(claim)) if ours.is_none() => {
                return Ok(Walk {
                    end: End::Diverged(claim.seq),
                    foreign,
                });
            }
            _ if ours.is_none() => {
                foreign += 1;
                beyond.see(claim, &stored);
            }
            _ => {}
        }
    }
    let end = match (ours, beyond.chained) {
        (Some(seq), _) => End::Ours(seq),
        (None, Some(seq)) => End::Diverged(seq),
        (None, None) if stop > first => End::Unknown,
        (None, None) => End::Nothing,
    };
    Ok(Walk { end, foreign })
}

fn judge(claim: &Claim, payload: &[u8], log: &Around) -> Verdict {
    let links = log
        .before
        .is_some_and(|before| chain::link(&before, payload) == claim.hash);
    match (links, log.at == Some(claim.hash)) {
        (true, true) => Verdict::Ours,
        (true, false) => Verdict::Diverged,
        (false, _) => Verdict::Foreign,
    }
}

/// The message at a sequence of the stream; `None` when it was deleted.
pub(super) async fn get(stream: &Stream, sequence: u64) -> Result<Option<StreamMessage>, Trouble> {
    match stream.get_raw_message(sequence).await {
        Ok(stored) => Ok(Some(stored)),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(Trouble::Nats(format!("could not read the stream: {error}"))),
    }
}

/// Messages beyond the log's head. When the log was restored to a state so old that the stream
/// no longer holds the first message after it, none of them links to the log; but they link to
/// one another, which accidents do not.
struct Beyond {
    head: u64,
    /// The message after the one that is looked at.
    next: Option<(Claim, StreamMessage)>,
    /// The lowest position of two that are linked.
    chained: Option<u64>,
}

impl Beyond {
    const fn new(head: u64) -> Self {
        Self {
            head,
            next: None,
            chained: None,
        }
    }

    fn see(&mut self, claim: Option<Claim>, stored: &StreamMessage) {
        let claim =
            claim.filter(|claim| claim.seq > self.head && message::agrees(claim, &stored.payload));
        if let (Some(claim), Some((next, following))) = (&claim, &self.next)
            && next.seq == claim.seq + 1
            && chain::link(&claim.hash, &following.payload) == next.hash
        {
            self.chained = Some(claim.seq);
        }
        self.next = claim.map(|claim| (claim, stored.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(seq: u64, hash: chain::Hash) -> Claim {
        Claim {
            seq,
            hash,
            epoch: 1,
        }
    }

    #[test]
    fn the_logs_own_message_is_ours() {
        let hash = chain::link(&[1; 32], b"data");
        let log = Around {
            before: Some([1; 32]),
            at: Some(hash),
        };
        assert_eq!(judge(&claim(7, hash), b"data", &log), Verdict::Ours);
    }

    #[test]
    fn a_forger_who_copies_the_headers_is_foreign() {
        let hash = chain::link(&[1; 32], b"data");
        let log = Around {
            before: Some([1; 32]),
            at: Some(hash),
        };
        assert_eq!(judge(&claim(7, hash), b"forged", &log), Verdict::Foreign);
    }

    #[test]
    fn a_successor_that_the_log_does_not_have_is_another_history() {
        let hash = chain::link(&[1; 32], b"data");
        let missing = Around {
            before: Some([1; 32]),
            at: None,
        };
        let other = Around {
            before: Some([1; 32]),
            at: Some([9; 32]),
        };
        assert_eq!(judge(&claim(7, hash), b"data", &missing), Verdict::Diverged);
        assert_eq!(judge(&claim(7, hash), b"data", &other), Verdict::Diverged);
    }

    #[test]
    fn a_message_beyond_anything_the_log_knows_is_foreign() {
        let log = Around {
            before: None,
            at: None,
        };
        assert_eq!(judge(&claim(70, [3; 32]), b"data", &log), Verdict::Foreign);
    }
}

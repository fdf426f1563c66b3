//! What is missing: in the log, not settled, and for too long. Pure.

use std::time::Duration;

use tokio::time::Instant;

use crate::inbox::SeqSet;

/// What was missing at the last look. Something is overdue when two looks that are a grace time
/// apart both miss it: what is merely under way arrives in between.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    last: Option<(Instant, SeqSet)>,
}

impl Watch {
    /// What is overdue now.
    pub(crate) fn look(&mut self, missing: SeqSet, at: Instant, grace: Duration) -> SeqSet {
        let overdue = match &self.last {
            Some((before, _)) if at.duration_since(*before) < grace => return SeqSet::new(),
            Some((_, seen)) => seen.intersection(&missing),
            None => SeqSet::new(),
        };
        self.last = Some((at, missing));
        overdue
    }
}

/// What can be missing at all. Below the highest settled number every hole is one. Above it the
/// stream brings more as long as it brings anything: only when it has gone quiet is the tail
/// lost, and not a backlog that the consumer is working through.
pub(crate) fn holes(done: &SeqSet, head: u64, quiet: bool) -> SeqSet {
    done.missing_to(if quiet {
        head
    } else {
        done.highest().min(head)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    #[test]
    fn only_what_two_looks_miss_is_overdue() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        assert!(
            watch.look(SeqSet::of_range(3, 9), start, GRACE).is_empty(),
            "just noticed"
        );
        let soon = watch.look(SeqSet::of_range(3, 9), start + GRACE / 2, GRACE);
        assert!(soon.is_empty(), "too soon to tell");
        let overdue = watch.look(SeqSet::of_range(7, 12), start + GRACE, GRACE);
        assert_eq!(overdue, SeqSet::of_range(7, 9));
    }

    #[test]
    fn a_backlog_that_is_being_delivered_is_not_missing() {
        let done: SeqSet = [1, 2, 5].into_iter().collect();
        assert_eq!(holes(&done, 1_000, false), SeqSet::of_range(3, 4));
        assert_eq!(holes(&done, 1_000, true).count(), 997);
    }
}

//! Where to go on, once the stream was looked at: pure, so that every case is a row of a table.

use chrono::{DateTime, Utc};

/// Where the relay is, as its table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// How often the stream had to be filled, from 1.
    pub(super) epoch: u64,
    /// The last position known to be in the stream: a hint, never ahead of the truth.
    pub(super) cursor: u64,
    /// When the stream was created that the cursor is about.
    pub(super) created: Option<DateTime<Utc>>,
}

/// What the stream's end showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The last message that is the log's, at this position.
    Ours(u64),
    /// A message that follows from the log's past and is not in the log, at this position.
    Diverged(u64),
    /// No message of the log.
    Nothing,
    /// More foreign messages than the relay is willing to walk over.
    Unknown,
}

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) end: End,
    /// When the stream was created.
    pub(super) created: DateTime<Utc>,
    /// After which position a full stream would begin.
    pub(super) retained_after: u64,
    /// A position whose id nats-server took for a duplicate.
    pub(super) duplicate: Option<u64>,
}

/// Where to go on; `None` when the stream holds another history.
pub(super) fn decide(place: &Place, seen: &Seen) -> Option<Place> {
    let new = place.created.is_some_and(|created| created != seen.created);
    let created = Some(seen.created);
    let (raise, cursor) = match seen.end {
        End::Diverged(_) => return None,
        // The same stream, as far as the cursor says or further: a crash came before the
        // cursor was moved.
        End::Ours(seq) => (new || seq < place.cursor, seq),
        // Nobody knows, so what was acknowledged counts; the inbox forgives a repetition.
        End::Unknown => (new, place.cursor),
        // A quiet ledger whose events all expired, or the very first start.
        End::Nothing if !new && place.cursor <= seen.retained_after => (false, place.cursor),
        End::Nothing => (true, seen.retained_after.min(place.cursor)),
    };
    // The id is remembered, but its message is not in the stream: under this epoch it never
    // would be.
    let forgotten = seen.duplicate.is_some_and(|seq| seq > cursor);
    let epoch = place.epoch + u64::from(raise || forgotten);
    Some(Place {
        epoch,
        cursor,
        created,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("in range")
    }

    fn place(cursor: u64) -> Place {
        Place {
            epoch: 3,
            cursor,
            created: Some(at(1)),
        }
    }

    fn seen(end: End) -> Seen {
        Seen {
            end,
            created: at(1),
            retained_after: 40,
            duplicate: None,
        }
    }

    fn outcome(place: &Place, seen: &Seen) -> Option<(u64, u64)> {
        decide(place, seen).map(|place| (place.epoch, place.cursor))
    }

    #[test]
    fn a_crash_before_the_cursor_moved_goes_on_after_the_streams_last_message() {
        assert_eq!(outcome(&place(90), &seen(End::Ours(90))), Some((3, 90)));
        assert_eq!(outcome(&place(90), &seen(End::Ours(95))), Some((3, 95)));
    }

    #[test]
    fn a_stream_that_lost_its_tail_goes_on_after_what_is_left_in_a_new_epoch() {
        assert_eq!(outcome(&place(90), &seen(End::Ours(85))), Some((4, 85)));
    }

    #[test]
    fn a_purged_stream_is_filled_with_what_it_would_hold() {
        assert_eq!(outcome(&place(90), &seen(End::Nothing)), Some((4, 40)));
    }

    #[test]
    fn a_new_stream_is_filled_also_when_nothing_was_lost() {
        let new = Seen {
            created: at(2),
            ..seen(End::Nothing)
        };
        assert_eq!(outcome(&place(90), &new), Some((4, 40)));
        assert_eq!(
            outcome(&place(30), &new),
            Some((4, 30)),
            "and nothing is skipped"
        );
        let restored = Seen {
            end: End::Ours(70),
            ..new
        };
        assert_eq!(outcome(&place(90), &restored), Some((4, 70)));
    }

    #[test]
    fn a_stream_whose_events_all_expired_is_not_a_purged_one() {
        assert_eq!(outcome(&place(40), &seen(End::Nothing)), Some((3, 40)));
    }

    #[test]
    fn the_first_start_is_epoch_one() {
        let first = Place {
            epoch: 1,
            cursor: 0,
            created: None,
        };
        let seen = Seen {
            retained_after: 0,
            ..seen(End::Nothing)
        };
        assert_eq!(
            decide(&first, &seen),
            Some(Place {
                epoch: 1,
                cursor: 0,
                created: Some(at(1))
            })
        );
    }

    #[test]
    fn a_duplicate_that_is_not_stored_needs_a_new_epoch() {
        let duplicate = Seen {
            duplicate: Some(91),
            ..seen(End::Ours(90))
        };
        assert_eq!(outcome(&place(90), &duplicate), Some((4, 90)));
        let stored = Seen {
            duplicate: Some(91),
            ..seen(End::Ours(91))
        };
        assert_eq!(outcome(&place(90), &stored), Some((3, 91)));
    }

    #[test]
    fn another_history_is_not_continued() {
        assert_eq!(decide(&place(90), &seen(End::Diverged(91))), None);
    }

    #[test]
    fn a_flood_of_foreign_messages_is_passed_over() {
        assert_eq!(outcome(&place(90), &seen(End::Unknown)), Some((3, 90)));
    }
}

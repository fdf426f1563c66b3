//! What keeps a cut from being closed, in words.

/// What up to a cut's position has no effect yet, as of one snapshot. When there is nothing,
/// there never will be: an event has its effect or was discarded, and neither is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blockers {
    /// The first event that was not handled.
    pub first_missing: Option<i64>,
    /// Dead letters that nobody has decided about.
    pub parked: i64,
    /// Events that are tried again.
    pub retrying: i64,
}

impl Blockers {
    /// The first reason why the cut waits; nothing when it need not.
    pub fn reason(&self) -> Option<String> {
        if let Some(seq) = self.first_missing {
            return Some(format!("event {seq} of the ledger was not handled yet"));
        }
        match (self.parked, self.retrying) {
            (0, 0) => None,
            (1, _) => Some("a dead letter waits to be replayed or discarded".to_owned()),
            (0, 1) => Some("an event is being tried again".to_owned()),
            (0, many) => Some(format!("{many} events are being tried again")),
            (many, _) => Some(format!(
                "{many} dead letters wait to be replayed or discarded"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_waits_for_whatever_has_no_effect_and_for_nothing_else() {
        let of = |first_missing, parked, retrying| {
            let blockers = Blockers {
                first_missing,
                parked,
                retrying,
            };
            blockers.reason().unwrap_or_default()
        };
        assert_eq!(of(None, 0, 0), "");
        assert!(of(Some(7), 1, 1).contains("event 7"));
        assert!(of(None, 1, 3).contains("a dead letter waits"));
        assert!(of(None, 2, 0).contains("2 dead letters wait"));
        assert!(of(None, 0, 1).contains("tried again"));
    }
}

//! How fast one caller may ask.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Counts requests by caller within a second of the clock, and forgets them with it: nothing
/// grows, and a caller who was too fast may go on in the next second. Around a change of second
/// somebody may get twice the pace; that is no reason to remember more.
///
/// It counts what this process sees: with several replicas behind a load balancer a caller gets
/// as many times the pace.
pub struct Pace {
    per_second: u32,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    second: i64,
    counts: HashMap<String, u32>,
}

impl Pace {
    /// So many requests a second per caller; 0 is no limit.
    pub fn new(per_second: u32) -> Self {
        Self {
            per_second,
            window: Mutex::default(),
        }
    }

    /// Counts so many more for a caller who was admitted: the rest of a batch. What goes beyond the
    /// pace is done all the same, and the caller waits for the next second.
    pub fn count(&self, caller: &str, second: i64, more: u32) {
        if self.per_second == 0 {
            return;
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second == second
            && let Some(count) = window.counts.get_mut(caller)
        {
            *count = count.saturating_add(more);
        }
    }

    /// Counts a request; not so when it comes too fast.
    pub fn admits(&self, caller: &str, second: i64) -> bool {
        if self.per_second == 0 {
            return true;
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second != second {
            window.second = second;
            window.counts.clear();
        }
        match window.counts.get_mut(caller) {
            Some(count) if *count >= self.per_second => false,
            Some(count) => {
                *count += 1;
                true
            }
            None => {
                window.counts.insert(caller.to_owned(), 1);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_pace_of_their_own_and_a_new_one_each_second() {
        let pace = Pace::new(2);
        let admitted = |caller, second| (0..5).filter(|_| pace.admits(caller, second)).count();
        assert_eq!(
            (admitted("ann", 7), admitted("bob", 7), admitted("ann", 8)),
            (2, 2, 2)
        );
        assert_eq!(
            pace.window.lock().expect("no panic").counts.len(),
            1,
            "the past is forgotten"
        );
        pace.count("bob", 8, 10);
        assert_eq!((admitted("bob", 8), admitted("ann", 8)), (2, 0));
        pace.count("bob", 8, 10);
        assert_eq!(admitted("bob", 8), 0);
        let unlimited = Pace::new(0);
        assert!((0..1_000).all(|_| unlimited.admits("ann", 7)));
    }
}

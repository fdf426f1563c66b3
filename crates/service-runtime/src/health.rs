//! What a process knows about its own parts. `/readyz` shows it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use metrics::gauge;

use crate::metrics::HEALTH;

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It works.
    Ok,
    /// It does less than it should, and the service still serves.
    Degraded(String),
    /// It does not work: the service is not ready.
    Down(String),
}

/// The parts of a process and how they are. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, State>>>);

impl Health {
    /// Says how a part is; a change is logged once.
    pub fn set(&self, part: &'static str, state: State) {
        let before = self.set_quietly(part, state.clone());
        if before.as_ref() == Some(&state) {
            return;
        }
        match state {
            State::Ok if before.is_none() => {}
            State::Ok => tracing::info!(part, "Part {part} works again"),
            State::Degraded(why) => tracing::warn!(part, why, "Part {part} is degraded"),
            State::Down(why) => tracing::error!(part, why, "Part {part} is down"),
        }
    }

    /// Says how a part is when that is no news, and tells how it was.
    pub(crate) fn set_quietly(&self, part: &'static str, state: State) -> Option<State> {
        let level = match &state {
            State::Ok => 0,
            State::Degraded(_) => 1,
            State::Down(_) => 2,
        };
        gauge!(HEALTH.name, "part" => part).set(level);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(part, state)
    }

    /// Every part that has said how it is, by name.
    pub fn snapshot(&self) -> Vec<(&'static str, State)> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts
            .iter()
            .map(|(part, state)| (*part, state.clone()))
            .collect()
    }

    /// Whether a part is down.
    pub fn is_down(&self) -> bool {
        self.snapshot()
            .iter()
            .any(|(_, state)| matches!(state, State::Down(_)))
    }
}

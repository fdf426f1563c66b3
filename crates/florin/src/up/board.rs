//! `endpoints.json`: written when everything is ready, rewritten whenever something restarts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::fleet::Endpoints;
use crate::{output, token};

/// What is known of the running fleet. Clones share it.
#[derive(Debug, Clone)]
pub struct Board(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    path: PathBuf,
    endpoints: Endpoints,
    is_published: bool,
}

impl Board {
    /// A board that nobody sees yet.
    pub fn new(path: PathBuf, endpoints: Endpoints) -> Self {
        Self(Arc::new(Mutex::new(State {
            path,
            endpoints,
            is_published: false,
        })))
    }

    /// Changes what is known, and the file when there is one.
    pub fn update(&self, change: impl FnOnce(&mut Endpoints)) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state.endpoints);
        if state.is_published
            && let Err(error) = state.write()
        {
            // The fleet runs on; whoever reads the file sees an old process id.
            output::note(format_args!("florin: {error:#}"));
        }
    }

    /// Writes the file from now on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn publish(&self) -> anyhow::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_published = true;
        state.write()
    }

    /// Removes the file.
    pub fn remove(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut state.is_published) {
            // Without its lock the file means nothing, so a failure is none.
            let _ = std::fs::remove_file(&state.path);
        }
    }
}

impl State {
    /// Only the owner may read it: it has the database owner's password.
    fn write(&self) -> anyhow::Result<()> {
        let json = serde_json::to_string_pretty(&self.endpoints)?;
        token::write_private(&self.path, &format!("{json}\n"))
    }
}

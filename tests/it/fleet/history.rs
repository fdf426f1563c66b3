//! What clients were told, to be held against the database afterwards.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use super::Answer;

/// Codes of decisions, which are stored like any other outcome.
const DECIDED: &[&str] = &["insufficient_funds", "limit_exceeded"];

/// Acknowledged writes by caller and key.
#[derive(Default)]
pub struct History(Mutex<HashMap<(String, String), Write>>);

/// A write with the first definite answer to it.
#[derive(Debug, Clone)]
pub struct Write {
    path: String,
    request: String,
    pub status: i16,
    pub body: String,
}

impl Write {
    /// What of the answer names its event: the transaction, the wallet, or the rejection's id.
    pub fn witness(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).expect("answers are JSON");
        let id = if self.status == 201 {
            &body["id"]
        } else {
            &body["instance"]
        };
        id.as_str()
            .unwrap_or_else(|| panic!("an answer names nothing: {self:?}"))
            .to_owned()
    }

    /// The sender's own name for it.
    pub fn reference(&self) -> Option<String> {
        let request: Value = serde_json::from_str(&self.request).ok()?;
        Some(request["reference"].as_str()?.to_owned())
    }
}

impl History {
    /// Remembers an acknowledged write. A repetition must have been answered with the same bytes.
    pub fn record(&self, key: (&str, &str), path: &str, request: &str, answer: &Answer) {
        // Transactions and wallets: what else is made has no event of its own name.
        let made = |id: &str| id.starts_with("txn_") || id.starts_with("wal_");
        let written = answer.status == 201 && answer.json()["id"].as_str().is_some_and(made)
            || answer.status == 422 && DECIDED.contains(&&*answer.code());
        if !written {
            return;
        }
        let write = Write {
            path: path.to_owned(),
            request: request.to_owned(),
            status: i16::try_from(answer.status).expect("a status is small"),
            body: answer.body.clone(),
        };
        let mut writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match writes.entry((key.0.to_owned(), key.1.to_owned())) {
            Entry::Vacant(new) => {
                new.insert(write);
            }
            Entry::Occupied(known) => {
                let known = known.get();
                assert_eq!(
                    (&known.path, &known.request),
                    (&write.path, &write.request),
                    "{key:?}"
                );
                assert_eq!(
                    (known.status, &known.body),
                    (write.status, &write.body),
                    "{key:?}"
                );
            }
        }
    }

    /// Everything that was acknowledged so far.
    pub fn writes(&self) -> Vec<((String, String), Write)> {
        let writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writes
            .iter()
            .map(|(key, write)| (key.clone(), write.clone()))
            .collect()
    }
}

//! Why a request brought no good answer.

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The ledger refused.
    #[error("the ledger refused with {status} {code}{}", spaced(detail))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The stable code.
        code: String,
        /// In words.
        detail: String,
        /// Whether it had been refused before, under the same key.
        replayed: bool,
    },
    /// The ledger could not be reached, or did not become available in time.
    #[error("the ledger is out of reach at {base}{}", spaced(why))]
    OutOfReach {
        /// Where it should be.
        base: String,
        /// What the last attempt met.
        why: String,
    },
    /// The answer is not of the agreed shape.
    #[error("the ledger's answer was not understood: {0}")]
    Malformed(String),
}

impl ApiError {
    /// The code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

pub(super) fn spaced(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}

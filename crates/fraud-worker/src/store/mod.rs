//! All SQL of the worker, one file per noun.

pub mod alerts;
pub mod debits;

use sqlx::error::BoxDynError;

/// A stored value that this worker did not write.
fn foreign(error: impl Into<BoxDynError>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

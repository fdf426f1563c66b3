//! Owners and all that is theirs: one file per endpoint.

pub mod summary;

//! Checks over the whole workspace: the house rules and the pages that the code gives.

pub mod docs;
pub mod tidy;

//! Tests over the whole workspace.

mod docs;
mod tidy;

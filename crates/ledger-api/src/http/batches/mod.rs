//! Many operations in one request.

pub mod create;
pub mod document;
mod kinds;
mod operation;
mod rehearsed;
mod view;

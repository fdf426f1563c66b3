//! Many operations in one request.

pub mod create;
mod operation;
mod rehearsed;
mod view;

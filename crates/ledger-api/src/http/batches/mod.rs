//! Many operations in one request.

pub mod create;
mod kinds;
mod operation;
mod rehearsed;
mod view;

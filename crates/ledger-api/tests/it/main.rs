//! The ledger against real servers.

mod books;
mod guards;
mod posting;

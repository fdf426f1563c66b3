//! The ledger against real servers.

mod books;
mod guards;
mod http;
mod posting;
mod world;

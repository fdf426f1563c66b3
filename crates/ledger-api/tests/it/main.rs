//! The ledger against real servers.

mod books;
mod guards;
mod holds;
mod http;
mod outages;
mod posting;
mod tie_out;
mod world;

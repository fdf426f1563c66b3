//! The ledger against real servers.

mod books;
mod guards;
mod http;
mod outages;
mod posting;
mod rebuild;
mod tie_out;
mod world;

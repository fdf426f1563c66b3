//! The ledger against real servers.

mod books;
mod groups;
mod guards;
mod http;
mod outages;
mod posting;
mod tie_out;
mod world;

//! The ledger against real servers.

mod accounts;
mod books;
mod guards;
mod http;
mod limits;
mod outages;
mod posting;
mod tie_out;
mod world;

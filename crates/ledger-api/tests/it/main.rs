//! The ledger against real servers.

mod accounts;
mod books;
mod exchange;
mod groups;
mod guards;
mod http;
mod lifecycle;
mod limits;
mod outages;
mod posting;
mod tie_out;
mod world;

//! The ledger against real servers.

mod books;
mod groups;
mod guards;
mod http;
mod lifecycle;
mod outages;
mod posting;
mod rebuild;
mod tie_out;
mod world;

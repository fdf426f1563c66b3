//! The ledger against real servers.

mod books;
mod corrections;
mod fees;
mod guards;
mod http;
mod orders;
mod outages;
mod posting;
mod tie_out;
mod world;

//! The ledger against real servers.

mod accounts;
mod books;
mod corrections;
mod fees;
mod groups;
mod guards;
mod http;
mod lifecycle;
mod limits;
mod orders;
mod outages;
mod posting;
mod tie_out;
mod world;

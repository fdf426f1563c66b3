//! The ledger against real servers.

mod accounts;
mod books;
mod corrections;
mod exchange;
mod fees;
mod groups;
mod guards;
mod holds;
mod http;
mod lifecycle;
mod limits;
mod model;
mod orders;
mod outages;
mod posting;
mod rebuild;
mod tie_out;
mod world;

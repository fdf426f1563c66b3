//! The ledger against real servers.

mod accounts;
mod books;
mod exchange;
mod groups;
mod guards;
mod holds;
mod http;
mod lifecycle;
mod limits;
mod model;
mod outages;
mod posting;
mod rebuild;
mod tie_out;
mod world;

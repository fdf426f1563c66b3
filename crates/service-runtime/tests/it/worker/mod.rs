//! The worker loop on real servers: one effect for each event, whatever happens.

mod acting;
mod crashes;
mod dead_letters;
mod delivery;
mod foreign;
mod missing;
mod outages;
mod poison;

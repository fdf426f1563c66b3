//! One binary, so that its tests share one Postgres and one nats-server.

mod recount;
mod stats;
mod world;

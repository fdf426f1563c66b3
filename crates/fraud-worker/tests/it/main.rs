//! One binary, so that its tests share one Postgres and one nats-server.

mod alerts;
mod dead_letters;
mod rebuild;
mod same_set;
mod world;

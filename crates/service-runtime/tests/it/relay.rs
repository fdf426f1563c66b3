//! The relay against a real Postgres and a real nats-server.

mod fence;
mod order;
mod outages;
mod refill;

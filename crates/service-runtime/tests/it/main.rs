//! One binary, so that its tests share one Postgres and one nats-server.

mod admin;
mod append;
mod boot;
mod ids;
mod log;
mod nats;
mod postgres;
mod process;
mod relay;
mod rpc;
mod upgrade;
mod worker;
mod worker_world;
mod world;

//! The test tools, tested.

mod database;
mod eventually;
mod proxy;
mod shared;

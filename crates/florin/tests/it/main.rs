//! Tests of the commands, on real servers.

mod books;
mod verify;

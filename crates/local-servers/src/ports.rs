//! Free ports that stay free.

use std::net::{Ipv4Addr, TcpListener};

use rand::Rng as _;

/// Below the ephemeral range of Linux (32768 and up) and macOS (49152 and up). A port inside it
/// is lost while its server is down: any outgoing connection may be given it, and a client that
/// keeps reconnecting to it can even connect to itself and hold it.
const RANGE: std::ops::Range<u16> = 15_000..32_000;

/// Tries before the system is asked for any port at all.
const ATTEMPTS: usize = 200;

/// A loopback port that nobody listens on right now.
///
/// Somebody may take it before our server does; whoever starts a server on it tries again.
///
/// # Panics
/// When not even the system has a free port.
pub fn free_port() -> u16 {
    let mut random = rand::rng();
    (0..ATTEMPTS)
        .map(|_| random.random_range(RANGE))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .unwrap_or_else(any_port)
}

fn any_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("the loopback interface has a free port")
        .port()
}

//! A network that misbehaves on request: a proxy on loopback between a client and a server.

mod connection;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use connection::{Connection, Trap};

/// What the network does to connections, old and new, until told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: bytes go through.
    Pass,
    /// New connections are refused; old ones go on.
    Refuse,
    /// Connections are accepted and stay open, and nothing goes through (half-open). What was
    /// sent meanwhile goes through afterwards, as after a network partition.
    BlackHole,
    /// Each chunk, in both directions, is held back this long.
    Delay(Duration),
}

/// Where a connection is cut around a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutPoint {
    /// The server never sees the request.
    BeforeRequest,
    /// The server has answered the request, and the client never hears it.
    BeforeReply,
}

/// A proxy to one upstream address. It lives in the test's runtime and ends when dropped.
#[derive(Debug)]
pub struct TcpProxy {
    address: SocketAddr,
    controls: Arc<Controls>,
    listening: watch::Receiver<bool>,
    // Aborts the accept loop, and with it every connection, when dropped.
    _tasks: JoinSet<()>,
}

/// What the proxy shares with its connections.
#[derive(Debug)]
struct Controls {
    fault: watch::Sender<Fault>,
    // Counts the orders to cut: a connection ends when it changes.
    cut: watch::Sender<u64>,
    trap: Trap,
    open: AtomicUsize,
}

impl TcpProxy {
    /// Starts a proxy on a port of its own.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = listen(SocketAddr::from((
            [127, 0, 0, 1],
            local_servers::free_port(),
        )))
        .await;
        let address = listener.local_addr().expect("a listener has an address");
        let controls = Arc::new(Controls {
            fault: watch::Sender::new(Fault::Pass),
            cut: watch::Sender::new(0),
            trap: Trap::default(),
            open: AtomicUsize::new(0),
        });
        let (is_listening, listening) = watch::channel(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(
            listener,
            upstream,
            Arc::clone(&controls),
            is_listening,
        ));
        Self {
            address,
            controls,
            listening,
            _tasks: tasks,
        }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `url` with its host and port replaced by the proxy's.
    ///
    /// # Panics
    /// When `url` is not `scheme://[user[:password]@]host:port[/…]`.
    pub fn through(&self, url: &str) -> String {
        let (scheme, rest) = url.split_once("://").expect("a URL has a scheme");
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let user = authority.rfind('@').map_or("", |at| &authority[..=at]);
        format!("{scheme}://{user}{}{path}", self.address)
    }

    /// Sets the fault; when this returns it is in force.
    pub async fn set(&self, fault: Fault) {
        self.controls.fault.send_replace(fault);
        let mut listening = self.listening.clone();
        let wanted = fault != Fault::Refuse;
        let _ = listening.wait_for(|now| *now == wanted).await;
    }

    /// Cuts all connections now (the client sees a reset) and leaves the fault as it is.
    pub fn cut(&self) {
        self.controls.cut.send_modify(|orders| *orders += 1);
    }

    /// Sets a trap: the next connection whose client sends `pattern` is cut at `point`. It goes
    /// off once; see [`TcpProxy::trap_is_set`].
    pub fn cut_after_client_bytes_matching(&self, pattern: &[u8], point: CutPoint) {
        self.controls.trap.set(pattern, point);
    }

    /// Whether the trap still waits for its pattern.
    pub fn trap_is_set(&self) -> bool {
        self.controls.trap.is_set()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.controls.open.load(Ordering::SeqCst)
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address)
        .await
        .unwrap_or_else(|error| panic!("the proxy cannot listen on {address}: {error}"))
}

/// Accepts until aborted. While connections are refused there is no listener at all, as with a
/// dead server.
async fn accept(
    first: TcpListener,
    upstream: SocketAddr,
    controls: Arc<Controls>,
    is_listening: watch::Sender<bool>,
) {
    let address = first.local_addr().expect("a listener has an address");
    let mut listener = Some(first);
    let mut fault = controls.fault.subscribe();
    let mut connections = JoinSet::new();
    loop {
        let refuse = *fault.borrow_and_update() == Fault::Refuse;
        if refuse {
            listener = None;
        } else if listener.is_none() {
            listener = Some(listen(address).await);
        }
        is_listening.send_replace(!refuse);
        tokio::select! {
            changed = fault.changed() => if changed.is_err() { return },
            client = next(listener.as_ref()) => {
                // Subscribed here, so that a cut ordered from now on reaches the connection.
                let cut = controls.cut.subscribe();
                let controls = Arc::clone(&controls);
                connections.spawn(async move { serve(client, upstream, &controls, cut).await });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> TcpStream {
    match listener {
        // Failing to accept is for instance running out of files; the client has given up then.
        Some(listener) => loop {
            if let Ok((client, _)) = listener.accept().await {
                return client;
            }
        },
        None => std::future::pending().await,
    }
}

async fn serve(
    mut client: TcpStream,
    upstream: SocketAddr,
    controls: &Controls,
    mut cut: watch::Receiver<u64>,
) {
    controls.open.fetch_add(1, Ordering::SeqCst);
    let ended_well = tokio::select! {
        result = forward(&mut client, upstream, controls) => result.is_ok(),
        _ = cut.changed() => false,
    };
    if !ended_well {
        // Closing sends a reset instead of a polite end.
        let _ = client.set_zero_linger();
    }
    controls.open.fetch_sub(1, Ordering::SeqCst);
}

async fn forward(
    client: &mut TcpStream,
    upstream: SocketAddr,
    controls: &Controls,
) -> std::io::Result<()> {
    let mut fault = controls.fault.subscribe();
    // A half-open network does not reach the server either.
    let _ = fault.wait_for(|fault| *fault != Fault::BlackHole).await;
    let mut server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let result = Connection::new(controls).run(client, &mut server).await;
    if result.is_err() {
        let _ = server.set_zero_linger();
    }
    result
}

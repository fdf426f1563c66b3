//! One proxied connection: two pumps, the fault they obey, and the trap that one of them watches.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::{Controls, CutPoint, Fault};

/// One read; large enough that a message of the protocols under test usually arrives whole.
const CHUNK_BYTES: usize = 64 * 1024;

/// A pattern that some connection's client will send, and what happens then; goes off once.
#[derive(Debug, Default)]
pub(super) struct Trap {
    set: Mutex<Option<(Vec<u8>, CutPoint)>>,
}

impl Trap {
    pub(super) fn set(&self, pattern: &[u8], point: CutPoint) {
        assert!(!pattern.is_empty(), "an empty pattern is in everything");
        *self.set.lock().expect("no panic under this lock") = Some((pattern.to_vec(), point));
    }

    pub(super) fn is_set(&self) -> bool {
        self.set.lock().expect("no panic under this lock").is_some()
    }

    /// Looks for the pattern in `tail`, the end of what the client sent so far, and takes the
    /// trap away when it is there. Shortens `tail` to what may still become the pattern.
    fn spring(&self, tail: &mut Vec<u8>) -> Option<CutPoint> {
        let mut set = self.set.lock().expect("no panic under this lock");
        let Some((pattern, point)) = set.as_ref() else {
            tail.clear();
            return None;
        };
        if tail.windows(pattern.len()).any(|window| window == pattern) {
            let point = *point;
            *set = None;
            return Some(point);
        }
        tail.drain(..tail.len().saturating_sub(pattern.len() - 1));
        None
    }
}

/// The two directions of one connection run concurrently in one task: with a shared turn a full
/// send buffer on each side would stop both for ever.
pub(super) struct Connection<'a> {
    controls: &'a Controls,
    // The trap went off: the server's next bytes are the reply that nobody hears.
    swallow_reply: AtomicBool,
}

impl<'a> Connection<'a> {
    pub(super) fn new(controls: &'a Controls) -> Self {
        Self {
            controls,
            swallow_reply: AtomicBool::new(false),
        }
    }

    /// Forwards until both sides have closed, or until one breaks or a trap goes off (an error).
    pub(super) async fn run(
        &self,
        client: &mut TcpStream,
        server: &mut TcpStream,
    ) -> io::Result<()> {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            self.requests(from_client, to_server),
            self.replies(from_server, to_client)
        )?;
        Ok(())
    }

    async fn requests(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut tail = Vec::new();
        loop {
            let length = self.read(&mut from, &mut buffer).await?;
            if length == 0 {
                return to.shutdown().await;
            }
            tail.extend_from_slice(&buffer[..length]);
            match self.controls.trap.spring(&mut tail) {
                None => {}
                Some(CutPoint::BeforeRequest) => return Err(trapped()),
                Some(CutPoint::BeforeReply) => self.swallow_reply.store(true, Ordering::SeqCst),
            }
            to.write_all(&buffer[..length]).await?;
        }
    }

    async fn replies(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let length = self.read(&mut from, &mut buffer).await?;
            if self.swallow_reply.load(Ordering::SeqCst) {
                return Err(trapped());
            }
            if length == 0 {
                return to.shutdown().await;
            }
            to.write_all(&buffer[..length]).await?;
        }
    }

    /// Reads a chunk and lets it go when the network does.
    async fn read(&self, from: &mut ReadHalf<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        let length = from.read(buffer).await?;
        let mut fault = self.controls.fault.subscribe();
        let now = fault
            .wait_for(|fault| *fault != Fault::BlackHole)
            .await
            .map(|fault| *fault);
        if let Ok(Fault::Delay(delay)) = now {
            tokio::time::sleep(delay).await;
        }
        Ok(length)
    }
}

fn trapped() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut by the test")
}

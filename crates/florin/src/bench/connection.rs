//! One keep-alive connection: writes a request that is ready, and reads of the answer what a
//! load generator needs. It shares the machine with what it measures, so it does no more.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Most answers have a head of some hundred bytes and a body of less than two thousand.
const BUFFER_BYTES: usize = 4 * 1024;
/// What is larger than this is no answer of ours: a thousand transactions are about a megabyte.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A connection to the HTTP API.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

/// An answer; it stays until the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: Vec::with_capacity(BUFFER_BYTES),
        })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is not HTTP with a content length.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.input.clear();
        let head = loop {
            self.read().await?;
            if let Some(head) = Head::parse(&self.input)? {
                break head;
            }
        };
        let end = head.length + head.body_length;
        while self.input.len() < end {
            self.read().await?;
        }
        if self.input.len() > end {
            return Err(invalid("more came than the answer"));
        }
        Ok(Answer {
            status: head.status,
            body: &self.input[head.length..],
        })
    }

    async fn read(&mut self) -> io::Result<()> {
        if self.input.len() > ANSWER_BYTES_MAX {
            return Err(invalid("the answer does not end"));
        }
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    body_length: usize,
}

impl Head {
    /// Nothing when it is not all there yet.
    fn parse(input: &[u8]) -> io::Result<Option<Self>> {
        const END: &[u8] = b"\r\n\r\n";
        let Some(end) = input.windows(END.len()).position(|bytes| bytes == END) else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&input[..end]).map_err(|_| invalid("a head in UTF-8"))?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 "))
            .and_then(|line| line.get(..3)?.parse().ok())
            .ok_or_else(|| invalid("no status line"))?;
        let body_length = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .ok_or_else(|| invalid("no content length"))?;
        Ok(Some(Self {
            status,
            length: end + END.len(),
            body_length,
        }))
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_all_there() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\nbody";
        let parsed = Head::parse(whole).expect("good").expect("all there");
        assert_eq!(
            parsed,
            Head {
                status: 201,
                length: 44,
                body_length: 12
            }
        );
        for cut in 0..43 {
            assert_eq!(Head::parse(&whole[..cut]).expect("good"), None, "{cut}");
        }
        assert!(Head::parse(b"HTTP/1.1 201 Created\r\n\r\n").is_err());
        assert!(Head::parse(b"SMTP 220\r\nContent-Length: 0\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn answers_come_in_pieces_and_connections_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = async {
            let (mut stream, _) = listener.accept().await.expect("a client");
            stream.set_nodelay(true).expect("a socket");
            let mut request = [0; 4];
            for piece in ["HTTP/1.1 200 OK\r\nconte", "nt-length: 5\r\n\r\nhe", "llo"] {
                if piece.starts_with("HTTP") {
                    stream.read_exact(&mut request).await.expect("a request");
                }
                stream.write_all(piece.as_bytes()).await.expect("sent");
                tokio::task::yield_now().await;
            }
            stream.read_exact(&mut request).await.expect("a request");
        };
        let client = async {
            let mut connection = Connection::open(address).await.expect("connected");
            let answer = connection.ask(b"ask?").await.expect("an answer");
            assert_eq!(
                answer,
                Answer {
                    status: 200,
                    body: b"hello"
                }
            );
            connection
                .ask(b"more")
                .await
                .expect_err("the server is gone")
        };
        let ((), error) = tokio::join!(server, client);
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}

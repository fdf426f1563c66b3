//! The bytes of requests. All that does not change is prepared once; a transfer is put together
//! from slices.

use std::io::Write as _;
use std::net::SocketAddr;

/// What every request carries.
#[derive(Debug, Clone)]
pub struct Requests {
    /// The headers that never change.
    headers: Vec<u8>,
}

/// What every transfer moves: a cent, so that nobody runs out of money.
const BODY_START: &[u8] = b"{\"to_wallet\":\"";
const BODY_END: &[u8] = b"\",\"amount\":\"0.01\",\"currency\":\"EUR\"}";

impl Requests {
    /// Requests to `address` with `token`.
    pub fn new(address: SocketAddr, token: &str) -> Self {
        let headers = format!(
            " HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nIdempotency-Key: "
        );
        Self {
            headers: headers.into_bytes(),
        }
    }

    /// Writes a POST of `body` to `path` in place of what `out` held.
    pub fn post(&self, out: &mut Vec<u8>, path: &str, key: &str, body: &str) {
        out.clear();
        for part in [b"POST ", path.as_bytes(), &self.headers, key.as_bytes()] {
            out.extend_from_slice(part);
        }
        end_head(out, body.len());
        out.extend_from_slice(body.as_bytes());
    }

    /// Writes a transfer between two wallets in place of what `out` held. The key is the name of
    /// the run, of the connection, and a number.
    pub fn transfer(&self, out: &mut Vec<u8>, from: &str, to: &str, run: &str, number: u64) {
        out.clear();
        for part in [
            b"POST /v1/wallets/",
            from.as_bytes(),
            b"/transfer",
            &self.headers,
        ] {
            out.extend_from_slice(part);
        }
        // Writing to a vector cannot fail.
        let _ = write!(out, "{run}-{number}");
        end_head(out, BODY_START.len() + to.len() + BODY_END.len());
        for part in [BODY_START, to.as_bytes(), BODY_END] {
            out.extend_from_slice(part);
        }
    }

    /// Writes a batch of transfers between pairs of wallets in place of what `out` held. Each
    /// transfer has a key of its own.
    pub fn bulk<'a>(
        &self,
        out: &mut Vec<u8>,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
        run: &str,
        number: u64,
    ) {
        let mut body = br#"{"atomic":false,"dry_run":false,"operations":["#.to_vec();
        for (nth, (from, to)) in pairs.enumerate() {
            let comma = if nth == 0 { "" } else { "," };
            // Writing to a vector cannot fail.
            let _ = write!(
                body,
                "{comma}{{\"key\":\"{run}-{number}-{nth}\",\"type\":\"transfer\",\"wallet\":\"{from}\",\
                 \"to_wallet\":\"{to}\",\"amount\":\"0.01\",\"currency\":\"EUR\"}}"
            );
        }
        body.extend_from_slice(b"]}");
        out.clear();
        for part in [b"POST /v1/batches", self.headers.as_slice()] {
            out.extend_from_slice(part);
        }
        // A batch needs no key of its own; the header that every request has does no harm.
        let _ = write!(out, "{run}-{number}");
        end_head(out, body.len());
        out.extend_from_slice(&body);
    }
}

fn end_head(out: &mut Vec<u8>, body_length: usize) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "\r\nContent-Length: {body_length}\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_a_complete_request() {
        let requests = Requests::new("127.0.0.1:8080".parse().expect("an address"), "t0ken");
        let mut out = b"left over".to_vec();
        requests.transfer(&mut out, "wal_a", "wal_b", "run-7", 12);
        let text = String::from_utf8(out).expect("ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a body");
        assert_eq!(
            head,
            format!(
                "POST /v1/wallets/wal_a/transfer HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\
                 Authorization: Bearer t0ken\r\nContent-Type: application/json\r\n\
                 Idempotency-Key: run-7-12\r\nContent-Length: {}",
                body.len()
            )
        );
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["to_wallet"], "wal_b");
    }

    #[test]
    fn a_batch_is_a_complete_request_and_every_transfer_has_its_key() {
        let requests = Requests::new("127.0.0.1:8080".parse().expect("an address"), "t0ken");
        let mut out = b"left over".to_vec();
        let pairs = [("wal_a", "wal_b"), ("wal_c", "wal_d")];
        requests.bulk(&mut out, pairs.into_iter(), "run-7", 12);
        let text = String::from_utf8(out).expect("ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("POST /v1/batches HTTP/1.1\r\n"), "{head}");
        assert!(
            head.ends_with(&format!("Content-Length: {}", body.len())),
            "{head}"
        );
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let operations = body["operations"].as_array().expect("operations");
        let named = |field: &str| -> Vec<_> { operations.iter().map(|it| &it[field]).collect() };
        assert_eq!(named("key"), ["run-7-12-0", "run-7-12-1"]);
        assert_eq!(
            (named("wallet")[1], named("to_wallet")[1]),
            (&"wal_c".into(), &"wal_d".into())
        );
    }
}

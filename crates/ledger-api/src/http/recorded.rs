//! Which requests have a row in the audit trail, and what it says.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method},
    middleware::Next,
    response::Response,
};

use super::{answer::IDEMPOTENT_REPLAYED, error::Problem, idempotency::IDEMPOTENCY_KEY};
use crate::{
    audit::{Network, Origin, Recorder, Verdict, client},
    posting::Answer,
};

const FORWARDED_FOR: &str = "x-forwarded-for";
/// Where the API is: its pages and the server's own routes change nothing.
const API: &str = "/v1/";

/// The address that a connection comes from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Rides along with an answer of the ledger's own: the event that tells of it. Unless it is a
/// replay, the audit row was written with that event.
#[derive(Debug, Clone)]
pub struct AboutEvent {
    /// Its position in the log.
    pub seq: u64,
    /// The code of a repeated decision against.
    pub code: Option<String>,
}

impl AboutEvent {
    /// What rides along with an answer; nothing when no event of the ledger tells of it.
    pub fn of(answer: &Answer) -> Option<Self> {
        let refused = answer.replayed && answer.rendered.status >= 400;
        Some(Self {
            seq: answer.seq?,
            code: refused.then(|| code_of(&answer.rendered.body)).flatten(),
        })
    }
}

/// What it takes to record requests. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    recorder: Recorder,
    trusted: Arc<[Network]>,
}

impl Audit {
    /// Records to `recorder`; proxies in `trusted` say who the client is.
    pub fn new(recorder: Recorder, trusted: Vec<Network>) -> Self {
        Self {
            recorder,
            trusted: trusted.into(),
        }
    }

    /// Handles a request and records what came of it, when it may have changed something.
    pub async fn handle(
        &self,
        request: Request,
        next: Next,
        (method, route, request_id): (&'static str, &str, &str),
    ) -> Response {
        if !may_change(request.method(), request.uri().path()) {
            return next.run(request).await;
        }
        let key = request.headers().get(IDEMPOTENCY_KEY);
        let origin = Arc::new(Origin::new(
            self.client(&request).to_string(),
            method,
            route,
            request.uri().path(),
            key.map(HeaderValue::as_bytes),
            request_id,
        ));
        let response = Arc::clone(&origin).within(next.run(request)).await;
        if let Some(verdict) = verdict(&response) {
            self.recorder.record(&origin, verdict);
        }
        response
    }

    fn client(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<Peer>();
        // Only a router without a server has no peers: a test's.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        client(peer, &forwarded_for(request.headers()), &self.trusted)
    }
}

fn forwarded_for(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all(FORWARDED_FOR).iter();
    lines.filter_map(|line| line.to_str().ok()).collect()
}

fn may_change(method: &Method, path: &str) -> bool {
    let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    path.starts_with(API) && changes.contains(method)
}

/// What the row says; none when it was written in the transaction that decided.
fn verdict(response: &Response) -> Option<Verdict> {
    let extensions = response.extensions();
    let about = extensions.get::<AboutEvent>();
    let replayed = response.headers().contains_key(IDEMPOTENT_REPLAYED);
    if about.is_some() && !replayed {
        return None;
    }
    let problem = extensions.get::<Problem>();
    let code = problem.map(|problem| problem.code.to_owned());
    Some(Verdict {
        status: response.status().as_u16(),
        code: code.or_else(|| about.and_then(|about| about.code.clone())),
        replayed,
        seq: about.map(|about| about.seq),
        ..Verdict::default()
    })
}

/// The code in a stored problem.
fn code_of(body: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Coded {
        code: String,
    }
    let coded: Coded = serde_json::from_str(body).ok()?;
    Some(coded.code)
}

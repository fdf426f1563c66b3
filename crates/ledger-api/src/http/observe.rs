//! Around every request: a request id, metrics, the audit trail, and headers that every answer has.

use std::{
    any::Any,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use contracts::headers::{TRACEPARENT, trace_id};
use service_runtime::telemetry::{self, Trail};

use super::{
    error::{ApiError, ErrorCode, Problem},
    recorded::Audit,
};
use crate::metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer ids than any tracing system's are somebody's attempt at something else.
const REQUEST_ID_CHARS_MAX: usize = 128;
/// The route of requests that match none.
const UNMATCHED: &str = "unmatched";

/// The outermost layer. Whatever is logged on behalf of the request names it.
pub async fn observe(State(audit): State<Audit>, request: Request, next: Next) -> Response {
    let request_id = request_id(request.headers());
    let traceparent = request.headers().get(TRACEPARENT);
    let trail = Trail {
        request_id: Some(request_id.clone()),
        trace_id: traceparent
            .and_then(|value| value.to_str().ok())
            .and_then(trace_id)
            .map(str::to_owned),
    };
    telemetry::within(trail, answer(&audit, request, next, request_id)).await
}

async fn answer(audit: &Audit, request: Request, next: Next, request_id: String) -> Response {
    let started = Instant::now();
    let method = method_label(request.method());
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or_else(|| UNMATCHED.to_owned(), |path| path.as_str().to_owned());

    let about = (method, route.as_str(), request_id.as_str());
    let mut response = audit.handle(request, next, about).await;
    finish(&mut response, &request_id);

    let (status, took) = (response.status().as_u16(), started.elapsed());
    metrics::http_answered(&route, method, status, took);
    tell(method, &route, status, took);
    response
}

/// What every answer has.
fn finish(response: &mut Response, request_id: &str) {
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.instance = Some(request_id.to_owned());
        let body = problem.body();
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        *response.body_mut() = Body::from(body);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// The line of a request: only when asked for (`FLORIN_LOG=info,ledger_api::http=debug`), because
/// ten thousand lines a second cost more than the requests; our own faults always.
fn tell(method: &str, route: &str, status: u16, took: Duration) {
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    if status == 500 {
        tracing::error!(
            method,
            route,
            status,
            microseconds,
            "{method} {route}: {status}"
        );
    } else {
        tracing::debug!(
            method,
            route,
            status,
            microseconds,
            "{method} {route}: {status}"
        );
    }
}

/// What a handler's panic becomes: the caller learns that it was our fault, and nothing else.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is tower-http's"
)]
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = text.unwrap_or_default(), "A handler panicked");
    ApiError::from(ErrorCode::Internal).into_response()
}

/// The caller's id when it is sane, so that both sides' logs can be put together; else ours.
fn request_id(headers: &HeaderMap) -> String {
    let theirs = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let sane = |id: &&str| {
        (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
    };
    match theirs.filter(sane) {
        Some(id) => id.to_owned(),
        None => format!("req_{}", hex::encode(service_runtime::entropy())),
    }
}

/// Anybody can invent methods; the label has a few values only.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

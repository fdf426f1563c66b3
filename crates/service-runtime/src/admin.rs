//! The admin address: `/metrics` for Prometheus, `/healthz` (the process runs), `/readyz`
//! (all its parts work and it is not draining).

use axum::{
    Json, Router,
    extract::State as Injected,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{Process, State, metrics};

/// The admin routes of a process.
pub fn router(process: Process) -> Router {
    Router::new()
        .route("/metrics", get(metrics_text))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(process)
}

/// Serves the admin routes until it is dropped: they also answer while the process drains.
///
/// # Errors
/// When the listener fails.
pub async fn serve(process: Process, listener: TcpListener) -> std::io::Result<()> {
    axum::serve(listener, router(process)).await
}

async fn metrics_text(Injected(process): Injected<Process>) -> Response {
    process.set_gauges();
    let text = metrics::recorder().render();
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response()
}

async fn healthz(Injected(process): Injected<Process>) -> Response {
    Json(json!({ "service": process.name(), "version": env!("CARGO_PKG_VERSION") })).into_response()
}

async fn readyz(Injected(process): Injected<Process>) -> Response {
    let health = process.health();
    let status = if process.is_draining() {
        "draining"
    } else if health.is_down() {
        "down"
    } else {
        "ready"
    };
    let parts: Vec<_> = health
        .snapshot()
        .into_iter()
        .map(|(part, state)| match state {
            State::Ok => json!({ "part": part, "state": "ok" }),
            State::Degraded(why) => json!({ "part": part, "state": "degraded", "why": why }),
            State::Down(why) => json!({ "part": part, "state": "down", "why": why }),
        })
        .collect();
    let code = if status == "ready" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "service": process.name(), "status": status, "parts": parts });
    (code, Json(body)).into_response()
}

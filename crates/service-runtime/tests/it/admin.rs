//! The admin address.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt;
use service_runtime::{Clock, Process, State, admin};
use tower::ServiceExt;

async fn get(process: &Process, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = admin::router(process.clone())
        .oneshot(request)
        .await
        .expect("answers");
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn a_process_is_ready_when_no_part_is_down_and_it_does_not_drain() {
    let process = Process::new("test", Clock::system());
    assert_eq!(get(&process, "/readyz").await.0, StatusCode::OK);
    process
        .health()
        .set("nats", State::Degraded("disconnected".to_owned()));
    assert_eq!(
        get(&process, "/readyz").await.0,
        StatusCode::OK,
        "it still serves"
    );
    process
        .health()
        .set("postgres", State::Down("does not answer".to_owned()));
    let (status, body) = get(&process, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["status"], "down");
    assert_eq!(body["parts"][1]["why"], "does not answer");
    process.health().set("postgres", State::Ok);
    assert_eq!(get(&process, "/readyz").await.0, StatusCode::OK);
    process.shutdown();
    assert_eq!(
        get(&process, "/readyz").await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        get(&process, "/healthz").await.0,
        StatusCode::OK,
        "it still runs"
    );
}

#[tokio::test]
async fn metrics_have_help_texts() {
    let process = Process::new("test", Clock::system());
    service_runtime::metrics::recorder();
    process.health().set("postgres", State::Ok);
    let (status, text) = get(&process, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("# HELP florin_health "), "{text}");
    assert!(
        text.contains("florin_health{part=\"postgres\"} 0"),
        "{text}"
    );
}

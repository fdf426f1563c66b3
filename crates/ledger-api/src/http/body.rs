//! Reading a request's body: JSON objects only, bounded in size and time.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::header,
};
use bytes::{Bytes, BytesMut};
use contracts::limits::BODY_BYTES_MAX;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::error::{ApiError, ErrorCode};

/// Time for a whole body to arrive. 64 KiB take a second on the slowest mobile network, and a
/// batch of 1 MiB comes from a server; who sends a byte a second keeps a connection, and there are only so many.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How much more than the largest body is read, and thrown away, before the answer: a client
/// that is still sending would otherwise see a broken connection instead of the 413.
const EXCESS_BYTES_MAX: usize = 1024 * 1024;
/// What is repeated of a parser's complaint, which may quote the body.
const COMPLAINT_CHARS_MAX: usize = 200;

/// A body of at most `BYTES_MAX` bytes, parsed. `T` denies unknown fields; serde refuses fields that come twice.
#[derive(Debug)]
pub struct JsonBody<T, const BYTES_MAX: usize = BODY_BYTES_MAX>(pub T);

impl<S: Send + Sync, T: DeserializeOwned, const BYTES_MAX: usize> FromRequest<S>
    for JsonBody<T, BYTES_MAX>
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(&request) {
            return Err(ErrorCode::UnsupportedMediaType.into());
        }
        let bytes = tokio::time::timeout(BODY_TIMEOUT, read(request.into_body(), BYTES_MAX))
            .await
            .map_err(|_| ErrorCode::RequestTimeout)??;
        parse(&bytes).map(Self)
    }
}

fn is_json(request: &Request) -> bool {
    let value = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

async fn read(mut body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let mut bytes = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::from(ErrorCode::MalformedBody))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length <= bytes_max {
            bytes.extend_from_slice(&data);
        } else if length > bytes_max + EXCESS_BYTES_MAX {
            break;
        }
    }
    if length > bytes_max {
        Err(ErrorCode::BodyTooLarge.into())
    } else {
        Ok(bytes.freeze())
    }
}

/// Reads a JSON object.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // serde would take an array for a struct, field by field.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(ApiError::from(ErrorCode::MalformedBody).detail("expected a JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let code = match error.classify() {
            Category::Data => ErrorCode::InvalidField,
            // Also what is nested deeper than serde_json's limit of 128.
            Category::Syntax | Category::Eof | Category::Io => ErrorCode::MalformedBody,
        };
        let complaint: String = error
            .to_string()
            .chars()
            .take(COMPLAINT_CHARS_MAX)
            .collect();
        ApiError::from(code).detail(complaint)
    })
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use serde::Deserialize;

    use super::{super::error::Problem, *};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only parsed")]
        amount: String,
    }

    /// A client that sends a head and then nothing keeps its connection no longer than this.
    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_not_waited_for() {
        let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::post("/")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from_stream(never))
            .expect("a request");
        let refused = JsonBody::<Sample>::from_request(request, &()).await;
        let refused = refused.expect_err("too late").into_response();
        let problem = refused.extensions().get::<Problem>().expect("a problem");
        assert_eq!((problem.code, problem.status), ("request_timeout", 408));
    }

    #[test]
    fn only_an_object_of_the_known_fields_is_taken() {
        let deep = format!("{{\"amount\": {}1{}}}", "[".repeat(200), "]".repeat(200));
        let deep_unknown = format!("{{\"other\": {}", "[".repeat(60_000));
        for (body, code) in [
            ("", "malformed_body"),
            ("[\"1\"]", "malformed_body"),
            ("\"1\"", "malformed_body"),
            ("null", "malformed_body"),
            ("{\"amount\": \"1\"} {}", "malformed_body"),
            ("{\"amount\": \"1\"", "malformed_body"),
            ("{\"amount\": \"\u{1}\"}", "malformed_body"),
            ("{}", "invalid_field"),
            ("{\"amount\": 1}", "invalid_field"),
            ("{\"amount\": null}", "invalid_field"),
            ("{\"amount\": \"1\", \"amount\": \"2\"}", "invalid_field"),
            ("{\"amount\": \"1\", \"other\": 2}", "invalid_field"),
            (&deep, "invalid_field"),
            (&deep_unknown, "invalid_field"),
        ] {
            let refused = parse::<Sample>(body.as_bytes())
                .expect_err(body)
                .into_response();
            let problem = refused.extensions().get::<Problem>().expect("a problem");
            assert_eq!((problem.code, problem.status), (code, 400), "{body}");
        }
        assert!(parse::<Sample>(b" {\"amount\": \"1\"}").is_ok());
    }
}

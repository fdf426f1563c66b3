//! `GET /errors/{code}`: what `Problem.type` leads to. For people, so it is plain text, and for
//! everybody, because who has no good token needs it most.

use axum::{
    extract::{Path, rejection::PathRejection},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{
    advice::Advice,
    error::{ApiError, ErrorCode},
};

/// The route.
pub const ROUTE: &str = "/errors/{code}";

/// Says what a code means, what is written and what to do.
pub async fn handler(code: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    let row = code.ok().and_then(|Path(code)| Advice::find(&code));
    let row = row.ok_or(ErrorCode::NotFound)?;
    let mut response = text(row).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Ok(response)
}

fn text(row: &Advice) -> String {
    let code = row.code;
    format!(
        "{code} (HTTP {})\n\n{}\n\nWhat to do: {}\nWritten: {}.\n",
        code.status_number(),
        code.title(),
        row.then,
        row.written.as_str(),
    )
}

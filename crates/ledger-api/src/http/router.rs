//! The one list of routes. A route is documented by being in it, because `routes!` takes path
//! and method from the handler's own `#[utoipa::path]`; what it asks for is in `auth::ROUTES`.

use axum::{Json, Router, middleware, routing::get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    accounts, alerts,
    api::Api,
    audit, batches, dead_letters,
    error::{ApiError, ErrorCode},
    exchange, explain, fee_rules, holds,
    observe::{observe, panicked},
    openapi::{self, Frame},
    payments, rates,
    recorded::Audit,
    settlements, transactions, wallets,
};

const DOCUMENT: &str = "/openapi.json";

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Frame::openapi())
        .routes(routes!(wallets::create::handler, wallets::list::handler))
        .routes(routes!(wallets::get::handler))
        .routes(routes!(wallets::deposit::handler))
        .routes(routes!(wallets::withdraw::handler))
        .routes(routes!(wallets::transfer::handler))
        .routes(routes!(wallets::freeze::handler))
        .routes(routes!(wallets::unfreeze::handler))
        .routes(routes!(wallets::block::handler))
        .routes(routes!(wallets::unblock::handler))
        .routes(routes!(wallets::close::handler))
        .routes(routes!(wallets::credit_limit::handler))
        .routes(routes!(wallets::history::handler))
        .routes(routes!(wallets::statement::handler))
        .routes(routes!(wallets::summary::handler))
        .routes(routes!(wallets::stats::handler))
        .routes(routes!(wallets::adjust::handler))
        .routes(routes!(wallets::limits::handler))
        .routes(routes!(accounts::get::handler))
        .routes(routes!(accounts::limits::handler))
        .routes(routes!(accounts::kyc_level::handler))
        .routes(routes!(accounts::risk_level::handler))
        .routes(routes!(accounts::suspend::handler))
        .routes(routes!(accounts::resume::handler))
        .routes(routes!(accounts::close::handler))
        .routes(routes!(accounts::freeze::handler))
        .routes(routes!(accounts::unfreeze::handler))
        .routes(routes!(accounts::summary::handler))
        .routes(routes!(transactions::list::handler))
        .routes(routes!(transactions::get::handler))
        .routes(routes!(payments::create::handler))
        .routes(routes!(payments::refund::handler))
        .routes(routes!(transactions::reverse::handler))
        .routes(routes!(
            fee_rules::create::handler,
            fee_rules::list::handler
        ))
        .routes(routes!(fee_rules::get::handler))
        .routes(routes!(fee_rules::deactivate::handler))
        .routes(routes!(holds::place::handler, holds::list::handler))
        .routes(routes!(holds::get::handler))
        .routes(routes!(holds::capture::handler))
        .routes(routes!(holds::void::handler))
        .routes(routes!(batches::create::handler))
        .routes(routes!(rates::set::handler, rates::list::handler))
        .routes(routes!(exchange::create_quote::handler))
        .routes(routes!(exchange::get_quote::handler))
        .routes(routes!(exchange::execute::handler))
        .routes(routes!(alerts::list::handler))
        .routes(routes!(alerts::get::handler))
        .routes(routes!(
            settlements::cut::handler,
            settlements::list::handler
        ))
        .routes(routes!(settlements::get::handler))
        .routes(routes!(settlements::breaks::handler))
        .routes(routes!(audit::list::handler))
        .routes(routes!(dead_letters::list::handler))
        .routes(routes!(dead_letters::get::handler))
        .routes(routes!(dead_letters::replay::handler))
        .routes(routes!(dead_letters::discard::handler))
}

pub(super) fn document() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

/// Everything that the ledger answers over HTTP.
pub fn router(api: Api, audit: Audit) -> Router {
    let (routes, document) = routes().split_for_parts();
    let document = openapi::written(&document);
    let pages = SwaggerUi::new("/docs").config(Config::from(DOCUMENT));
    let routes = routes
        .with_state(api)
        .route(DOCUMENT, get(async move || Json(document.clone())))
        .route(explain::ROUTE, get(explain::handler))
        .merge(pages);
    around(routes, audit)
}

/// What surrounds every route.
fn around(routes: Router, audit: Audit) -> Router {
    routes
        .fallback(async || ApiError::from(ErrorCode::NotFound))
        .method_not_allowed_fallback(async || ApiError::from(ErrorCode::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(audit, observe))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::{body::Body, extract::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use service_runtime::Clock;

    use super::*;
    use crate::{audit::Recorder, auth::ROUTES};

    #[tokio::test]
    async fn a_handler_that_panics_answers_500_without_saying_why() {
        async fn handler() -> &'static str {
            panic!("the secret reason")
        }
        let (recorder, _writer) = Recorder::new(1, Clock::system());
        let audit = Audit::new(recorder, Vec::new());
        let router = around(Router::new().route("/", get(handler)), audit);
        let response = router
            .oneshot(Request::new(Body::empty()))
            .await
            .expect("an answer");
        assert_eq!(response.status().as_u16(), 500);
        assert!(response.headers().contains_key("x-request-id"));
        let body = response
            .into_body()
            .collect()
            .await
            .expect("whole")
            .to_bytes();
        let body = String::from_utf8_lossy(&body);
        assert!(
            body.contains("\"code\":\"internal\"") && !body.contains("secret"),
            "{body}"
        );
    }

    #[test]
    fn every_route_is_documented_and_asks_for_a_permission() {
        let document = serde_json::to_value(document()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let documented: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().expect("methods").keys();
                methods.map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let guarded: BTreeSet<String> = ROUTES
            .iter()
            .map(|rule| format!("{} {}", rule.method, rule.path))
            .collect();
        assert_eq!(documented, guarded);
    }

    #[test]
    fn the_document_is_openapi_3_1_with_a_bearer_scheme_and_problems() {
        let document = serde_json::to_value(document()).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(
            document["components"]["securitySchemes"]["bearer"]["scheme"],
            "bearer"
        );
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("methods") {
                let problem = &operation["responses"]["401"]["content"]["application/problem+json"];
                assert_eq!(
                    problem["schema"]["$ref"], "#/components/schemas/Problem",
                    "{method} {path}"
                );
                assert!(operation["operationId"].is_string() && operation["summary"].is_string());
            }
        }
    }
}

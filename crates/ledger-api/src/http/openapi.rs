//! The `OpenAPI` document: what is not said at a handler.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::{
    IntoParams, IntoResponses, Modify, OpenApi,
    openapi::{
        ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::{
    batches,
    error::{ErrorCode, FieldProblem, PROBLEM_JSON, Problem},
    router, vocabulary,
};

/// The frame of the document; the router fills in the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Florin ledger",
        description = "Wallets, and money that moves between them: idempotent, exact, double entry.\n\n\
            Amounts are strings with a currency, times are RFC 3339 in UTC, ids have a prefix. Every \
            write needs an `Idempotency-Key`, and each operation of a batch a key of its own; repeating it \
            repeats the answer. Errors are problem details (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "wallets", description = "Wallets, their balances and their history."),
        (name = "accounts", description = "All wallets of one owner: their state and their limits."),
        (name = "money", description = "Movements of money."),
        (name = "holds", description = "Money that is set aside."),
        (name = "transactions", description = "Transactions of every wallet."),
        (name = "fees", description = "What the house takes."),
        (name = "exchange", description = "Rates, and money of one currency for another."),
        (name = "alerts", description = "What the fraud rules found."),
        (name = "settlements", description = "Payments in batches, and books that tie out."),
        (name = "audit", description = "Who asked for which change."),
        (name = "dead letters", description = "What workers gave up, and what becomes of it."),
    ),
    components(schemas(Problem, FieldProblem)),
    security(("bearer" = [])),
    modifiers(&Bearer),
)]
pub struct Frame;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.bearer_format = Some("JWT".to_owned());
        http.description = Some(
            "A JWT signed with Ed25519 (EdDSA): iss, aud, sub, role, owner, exp and iat."
                .to_owned(),
        );
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(http));
    }
}

/// The whole document.
pub fn document() -> Value {
    written(&router::document())
}

/// A document as it is served.
pub fn written(document: &utoipa::openapi::OpenApi) -> Value {
    let document = serde_json::to_value(document);
    let document = document.expect("a document has string keys only");
    vocabulary::apply(batches::document::apply(document))
}

/// The header that every write needs.
pub struct IdempotencyKey;

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(255))
            .pattern(Some("^[!-~]+$"));
        let parameter = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(
                "1 to 255 visible ASCII characters, scoped to the caller and kept for at least 90 \
                 days. The same key with the same request repeats the answer.",
            ))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}

/// The problems that a read can end in.
pub struct ReadProblems;
/// The problems that a write can end in.
pub struct WriteProblems;

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 401, 403, 404, 422, 429, 500, 503])
    }
}

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503])
    }
}

/// One response per status; its description lists the codes that have it.
fn problems(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let response = |status: u16| {
        let codes: Vec<String> = ErrorCode::ALL
            .iter()
            .filter(|code| code.status_number() == status)
            .map(|code| format!("`{code}`: {}", code.title()))
            .collect();
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        ResponseBuilder::new()
            .description(codes.join("\n\n"))
            .content(PROBLEM_JSON, content)
            .build()
    };
    statuses
        .iter()
        .map(|status| (status.to_string(), RefOr::T(response(*status))))
        .collect()
}

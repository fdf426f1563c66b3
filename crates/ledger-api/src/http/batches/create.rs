//! `POST /v1/batches`

use std::collections::HashMap;

use axum::{Json, extract::State};
use contracts::{
    WalletId,
    limits::{BATCH_BODY_BYTES_MAX, BATCH_OPERATIONS_MAX},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        body::JsonBody,
        error::{ApiError, ErrorCode},
        idempotency::{Trace, linked},
        openapi::WriteProblems,
    },
    operation::{BatchOperation, Operation, RawOperations},
    view::{BatchView, wrong_size},
};
use crate::{auth::Principal, domain::Command};

/// Operations, and how they belong together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBatch {
    /// All or none. Otherwise each stands for itself.
    #[serde(default)]
    atomic: bool,
    /// Only tell what would happen, and write nothing.
    #[serde(default)]
    dry_run: bool,
    /// 1 to 1,000.
    #[schema(value_type = Vec<BatchOperation>, min_items = 1, max_items = 1000)]
    operations: RawOperations,
}

/// Does many operations.
///
/// This route takes no `Idempotency-Key`: every operation has a key of its own in the body, and an
/// answer of its own in `results`, with the status and the bytes of the single route. Operations
/// are decided in their order, each on what those before it did.
///
/// * Independent, which is the default: each operation stands for itself. Its key stands for the
///   same as on the single route, so it may be repeated here or there.
/// * `atomic`: all are posted or none is. When one is decided against, its result has the code, and
///   the others have `batch_rejected`. The keys stand for the whole batch: only the same batch again
///   is a replay. A batch of which a key was used before in any other way is refused whole.
/// * `dry_run`: what would happen if nobody else wrote meanwhile. Nothing is written, and no key is
///   used. Bodies carry no ids and no positions. Keys that have an answer already show it.
///
/// A batch is refused whole, with nothing written, when an operation cannot be read, has a key that
/// another one has, needs a permission that the token lacks, or names a wallet, hold, quote or
/// transaction that is not there or is not the caller's: `errors` names its index, such as
/// `operations[3].amount`. The body may have 1 MiB. For the pace of a caller each operation counts
/// as a request.
///
/// An operation names what was there before the batch: a hold is not captured, nor a payment paid
/// back, in the batch that makes it. Opening and changing wallets, accounts, rates, quotes and fee
/// rules have their single routes only.
#[utoipa::path(
    post,
    path = "/v1/batches",
    tag = "money",
    operation_id = "create_batch",
    request_body = CreateBatch,
    responses(
        (status = 200, description = "What became of each operation.", body = BatchView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    Trace(trace): Trace,
    JsonBody(body): JsonBody<CreateBatch, BATCH_BODY_BYTES_MAX>,
) -> Result<Json<BatchView>, ApiError> {
    let (atomic, dry_run) = (body.atomic, body.dry_run);
    let operations = read(&body.operations, &principal, &api)?;
    api.pace_batch(&principal, operations.len());
    let keys = operations.iter().map(|one| one.key.clone()).collect();
    let mut commands = admitted(operations, &principal, &api, trace).await?;
    if atomic {
        link(&mut commands);
    }
    let engine = api.engine();
    let outcomes = match (dry_run, atomic) {
        (true, _) => engine.rehearse(commands, atomic).await?,
        (false, true) => engine.submit_linked(commands).await?,
        (false, false) => engine.submit_each(commands).await?,
    };
    BatchView::of((atomic, dry_run), keys, outcomes).map(Json)
}

/// Reads every operation; each must have a key that no other has.
fn read(raw: &RawOperations, principal: &Principal, api: &Api) -> Result<Vec<Operation>, ApiError> {
    if !(1..=BATCH_OPERATIONS_MAX).contains(&raw.0.len()) {
        return Err(wrong_size());
    }
    let mut operations: Vec<Operation> = Vec::with_capacity(raw.0.len());
    for (index, raw) in raw.0.iter().enumerate() {
        let operation =
            Operation::read(raw, principal, api).map_err(|error| error.at_operation(index))?;
        operations.push(operation);
    }
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(operations.len());
    for (index, operation) in operations.iter().enumerate() {
        if let Some(first) = seen.insert(&operation.key, index) {
            return Err(ApiError::from(ErrorCode::IdempotencyKeyReused)
                .field("key")
                .detail(format!("operations[{first}] has the same key"))
                .at_operation(index));
        }
    }
    Ok(operations)
}

/// The commands, when the caller may ask for every one.
async fn admitted(
    operations: Vec<Operation>,
    principal: &Principal,
    api: &Api,
    trace: Option<String>,
) -> Result<Vec<Command>, ApiError> {
    let wallets: Vec<WalletId> = operations
        .iter()
        .flat_map(|operation| operation.asked.wallets())
        .collect();
    let facts = api.facts_of(&wallets).await?;
    let mut commands = Vec::with_capacity(operations.len());
    for (index, Operation { key, asked }) in operations.into_iter().enumerate() {
        let write = asked.write(principal, &facts, api).await;
        let write = write.map_err(|error| error.at_operation(index))?;
        commands.push(write.command(principal, key, trace.clone()));
    }
    Ok(commands)
}

/// Makes the keys stand for the whole batch.
fn link(commands: &mut [Command]) {
    let alone: Vec<_> = commands
        .iter()
        .map(|command| (command.key.as_str(), command.fingerprint))
        .collect();
    let linked = linked(&alone);
    for (command, fingerprint) in commands.iter_mut().zip(linked) {
        command.fingerprint = fingerprint;
    }
}

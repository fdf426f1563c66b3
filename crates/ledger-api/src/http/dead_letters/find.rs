//! Finds out whose a dead letter is.

use contracts::{DeadLetterId, rpc::dead_letters::DeadLetter, topology::Worker};
use futures_util::future::join_all;

use super::super::{
    api::Api,
    error::{ApiError, ErrorCode},
};

/// The dead letter and its worker, whoever that is.
pub async fn find(api: &Api, id: DeadLetterId) -> Result<(Worker, DeadLetter), ApiError> {
    let asked = Worker::ALL.iter().copied();
    let answers =
        join_all(asked.map(async |worker| (worker, api.workers().dead_letter(worker, id).await)))
            .await;
    // It may be that of somebody who did not answer.
    let mut missing = ErrorCode::NotFound;
    for (worker, answer) in answers {
        match answer {
            Some(Some(letter)) => return Ok((worker, letter)),
            Some(None) => {}
            None => missing = ErrorCode::WorkerUnavailable,
        }
    }
    Err(missing.into())
}

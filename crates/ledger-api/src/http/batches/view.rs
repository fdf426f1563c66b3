//! The answer to a batch.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    super::error::{ApiError, ErrorCode},
    rehearsed::without_inventions,
};
use crate::posting::{Answer, SubmitError};

/// What became of a batch.
// The document has one name for each shape, and settlement has batches too.
#[derive(Serialize, ToSchema)]
#[schema(as = OperationsView)]
pub struct BatchView {
    /// Was it all or none?
    pub atomic: bool,
    /// Was it a rehearsal?
    pub dry_run: bool,
    /// Does anything that the results tell stand in the books? Never after a rehearsal; of an
    /// atomic batch all or nothing.
    pub committed: bool,
    /// One per operation, in their order.
    pub results: Vec<ResultView>,
}

/// What became of one operation.
#[derive(Serialize, ToSchema)]
pub struct ResultView {
    /// The operation's key.
    #[schema(example = "payout-2026-11-21-0001")]
    pub key: String,
    /// The status that the single route would have answered.
    #[schema(example = 201)]
    pub status: u16,
    /// Was the answer given before?
    pub replayed: bool,
    /// The body that the single route would have answered: a transaction or a problem. Of a
    /// rehearsal without ids and positions, because there are none.
    #[schema(value_type = Object)]
    pub body: Box<RawValue>,
}

impl BatchView {
    /// Puts the answer together.
    ///
    /// # Errors
    /// Of an atomic batch any operation without an answer is the whole's: then there is none for
    /// the others either. Of an independent one, what every operation met when the ledger cannot
    /// now.
    pub fn of(
        (atomic, dry_run): (bool, bool),
        keys: Vec<String>,
        outcomes: Vec<Result<Answer, SubmitError>>,
    ) -> Result<Self, ApiError> {
        let linked = |outcome: &Result<Answer, SubmitError>| {
            matches!(outcome, Err(SubmitError::LinkedRefused))
        };
        let whole = atomic || outcomes.iter().any(linked);
        let culprit = outcomes.iter().enumerate().find_map(|(index, outcome)| {
            let error = *outcome.as_ref().err()?;
            (error != SubmitError::LinkedRefused).then_some((index, error))
        });
        if let Some((index, error)) = culprit {
            let passing = is_passing(error);
            let all = outcomes.iter().all(|outcome| *outcome == Err(error));
            if passing && (whole || all) {
                return Err(error.into());
            }
            if whole {
                return Err(ApiError::from(error).at_operation(index));
            }
        }
        let results: Vec<ResultView> = keys
            .into_iter()
            .zip(outcomes)
            .map(|(key, outcome)| ResultView::of(key, outcome, dry_run))
            .collect();
        let committed = !dry_run && results.iter().any(|result| result.status < 400);
        Ok(Self {
            atomic,
            dry_run,
            committed,
            results,
        })
    }
}

/// Is it about the ledger, and no operation's fault?
const fn is_passing(error: SubmitError) -> bool {
    matches!(
        error,
        SubmitError::Busy
            | SubmitError::Unavailable
            | SubmitError::OutcomeUnknown
            | SubmitError::Refused
    )
}

impl ResultView {
    fn of(key: String, outcome: Result<Answer, SubmitError>, dry_run: bool) -> Self {
        let (status, replayed, body) = match outcome {
            Ok(answer) if dry_run && !answer.replayed => {
                let body = without_inventions(&answer.rendered.body);
                (answer.rendered.status, false, body)
            }
            Ok(answer) => (
                answer.rendered.status,
                answer.replayed,
                answer.rendered.body,
            ),
            Err(error) => {
                let problem = ApiError::from(error).problem();
                (problem.status, false, problem.body())
            }
        };
        let body = RawValue::from_string(body).expect("an answer is JSON");
        Self {
            key,
            status,
            replayed,
            body,
        }
    }
}

/// How many operations a batch may have.
pub fn wrong_size() -> ApiError {
    ApiError::from(ErrorCode::InvalidBatch).field("operations")
}

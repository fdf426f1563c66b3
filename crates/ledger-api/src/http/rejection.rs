//! The bodies of decisions against. They are stored like any other answer, so they name their event
//! rather than the request that happens to ask.

use contracts::{EventId, Rejected, RejectionCode};

use super::{
    accounts::view::LimitReachedView,
    error::{ErrorCode, Problem},
};
use crate::posting::Rendered;

/// A decision against a command.
pub fn of(event: EventId, code: RejectionCode) -> Rendered {
    rendered(&problem(event, code))
}

/// A decision against a movement: it may say which limit was in the way.
pub fn of_movement(event: &Rejected) -> Rendered {
    let mut problem = problem(event.id, event.code);
    if let Some(reached) = &event.limit {
        let limit = LimitReachedView::of(reached, event.currency);
        problem.detail = Some(limit.sentence(event.currency).into());
        problem.limit = Some(limit);
    }
    rendered(&problem)
}

fn problem(event: EventId, code: RejectionCode) -> Problem {
    let mut problem = Problem::new(ErrorCode::from(code));
    problem.instance = Some(event.to_string());
    problem
}

fn rendered(problem: &Problem) -> Rendered {
    Rendered {
        status: problem.status,
        body: problem.body(),
    }
}

//! `GET /v1/dead-letters`

use axum::{Json, extract::State};
use contracts::Totals;
use futures_util::future::join_all;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        error::ApiError,
        openapi::ReadProblems,
        page::{Page, QueryOf},
    },
    query::{ListDeadLetters, Wanted},
    view::{DeadLetterPage, DeadLetterView},
};

/// What workers gave up, oldest first, and the money at stake.
///
/// All workers are asked. One that does not answer is named in `unavailable`; what the others
/// have is shown all the same.
#[utoipa::path(
    get,
    path = "/v1/dead-letters",
    tag = "dead letters",
    operation_id = "list_dead_letters",
    params(ListDeadLetters),
    responses(
        (status = 200, description = "A page of dead letters.", body = DeadLetterPage),
        ReadProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    QueryOf(query): QueryOf<ListDeadLetters>,
) -> Result<Json<DeadLetterPage>, ApiError> {
    let Wanted {
        workers,
        limit,
        request,
    } = query.parse(api.clock().now())?;
    let asked = workers.into_iter();
    let answers = join_all(
        asked.map(async |worker| (worker, api.workers().dead_letters(worker, &request).await)),
    )
    .await;
    let (mut letters, mut unavailable) = (Vec::new(), Vec::new());
    let (mut total, mut at_stake, mut at_stake_unknown) = (0, Totals::default(), 0);
    for (worker, answer) in answers {
        let Some(page) = answer else {
            unavailable.push(worker.as_str());
            continue;
        };
        let items = page.items.into_iter();
        letters.extend(items.map(|letter| DeadLetterView::of(worker, letter)));
        total += page.total;
        at_stake.add_all(&page.at_stake);
        at_stake_unknown += page.at_stake_unknown;
    }
    // Each worker gave a page after the same id, so the first of all are among them.
    letters.sort_unstable_by_key(|letter| letter.id);
    let page = Page::cut(letters, limit, |letter| letter.id, |letter| letter);
    Ok(Json(DeadLetterPage {
        items: page.items,
        next_cursor: page.next_cursor,
        total,
        at_stake,
        at_stake_unknown,
        unavailable,
    }))
}

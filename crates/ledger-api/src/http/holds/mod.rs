//! Money that is set aside, taken and released: one file per endpoint.

pub mod capture;
pub mod get;
pub mod list;
pub mod place;
pub mod view;
pub mod void;

use contracts::HoldId;
use serde::Serialize;

use super::{
    api::Api,
    error::{ApiError, ErrorCode},
    idempotency::movement_form,
};
use crate::{
    auth::{Permission, Principal},
    domain::{HoldAction, HoldTerms, Sight},
    store::{self, holds::HoldRow, wallets::Facts},
};

/// A hold with the facts about its wallets.
struct Found {
    row: HoldRow,
    payer: Facts,
    favoured: Option<Facts>,
}

impl Found {
    async fn load(api: &Api, id: HoldId) -> Result<Self, ApiError> {
        let row = store::holds::find(api.pool(), id).await?;
        let row = row.ok_or(ErrorCode::NotFound)?;
        let HoldTerms {
            wallet,
            counterparty,
            ..
        } = row.terms;
        let [payer] = api.facts([wallet]).await?;
        let mut favoured = None;
        if let Some(counterparty) = counterparty {
            let [facts] = api.facts([counterparty]).await?;
            favoured = Some(facts);
        }
        Ok(Self {
            row,
            payer,
            favoured,
        })
    }

    /// A hold that the bearer may see: of their money, or in their favour.
    async fn seen_by(api: &Api, principal: &Principal, id: HoldId) -> Result<Self, ApiError> {
        let found = Self::load(api, id).await?;
        if principal.sees(&found.payer.owner) || found.is_in_favour_of(principal) {
            Ok(found)
        } else {
            Err(ErrorCode::NotFound.into())
        }
    }

    /// A hold that the bearer may take or release: in their favour, or any when they act for the
    /// house. Whose money it is has promised it, and can do neither.
    async fn disposed_by(api: &Api, principal: &Principal, id: HoldId) -> Result<Self, ApiError> {
        let found = Self::seen_by(api, principal, id).await?;
        if found.is_in_favour_of(principal) {
            Ok(found)
        } else {
            Err(ApiError::from(ErrorCode::Forbidden)
                .detail("a hold is captured or voided by whom it is in favour of, or by staff"))
        }
    }

    fn is_in_favour_of(&self, principal: &Principal) -> bool {
        match &self.favoured {
            Some(favoured) => principal.sees(&favoured.owner),
            None => principal.may(Permission::WalletsReadAny),
        }
    }

    /// What the bearer may see of the wallets of a capture.
    fn sight(&self, principal: &Principal) -> Sight {
        let terms = &self.row.terms;
        let favoured = terms.counterparty.zip(self.favoured.as_ref());
        let favoured = favoured.map(|(wallet, facts)| (wallet, facts.owner.as_str()));
        principal.sight(
            [(terms.wallet, self.payer.owner.as_str())]
                .into_iter()
                .chain(favoured),
        )
    }
}

/// The canonical form of what is asked of a hold. The id of a new one is no part of the request.
pub fn canonical(action: &HoldAction) -> String {
    #[derive(Serialize)]
    struct Canonical<'a, T>(&'a str, T);

    let text = match action {
        HoldAction::Place(place) => {
            let terms = &place.terms;
            serde_json::to_string(&Canonical(
                action.name(),
                (
                    (terms.kind, terms.wallet, terms.counterparty),
                    (terms.amount.to_string(), terms.amount.currency()),
                    place.expires_at.map(|at| at.timestamp_micros()),
                    (&terms.reference, &terms.order_reference, &terms.description),
                    &terms.metadata,
                ),
            ))
        }
        HoldAction::Capture(capture) => serde_json::to_string(&Canonical(
            "hold.capture",
            (
                capture.hold,
                (capture.all, capture.last),
                movement_form(&capture.movement),
            ),
        )),
        HoldAction::Release(release) => serde_json::to_string(&Canonical(
            action.name(),
            (release.terms.id, &release.reason),
        )),
    };
    text.expect("tuples of texts and numbers always serialise")
}

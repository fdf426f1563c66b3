//! What writes share that may come alone and in batches; first of all those that move money.

use std::collections::HashMap;

use axum::response::Response;
use contracts::{Kind, WalletId, event::WalletKind};

use super::{
    answer,
    api::Api,
    error::{ApiError, ErrorCode},
    fields::{self, Metadata},
    idempotency::{WriteHeaders, fingerprint},
};
use crate::{
    auth::Principal,
    domain::{Action, Command, Movement, Sight},
    store::wallets::Facts,
};

/// The fields that every movement has, as they came.
pub struct Fields {
    pub amount: String,
    pub currency: String,
    pub description: Option<String>,
    pub reference: Option<String>,
    pub effective_at: Option<String>,
    pub metadata: Option<Metadata>,
}

impl Fields {
    /// A movement of `kind` out of, or into, `wallet`.
    pub fn parse(
        self,
        kind: Kind,
        wallet: WalletId,
        principal: &Principal,
        api: &Api,
    ) -> Result<Movement, ApiError> {
        Ok(Movement {
            kind,
            wallet,
            counterparty: None,
            effective_at: fields::effective_at(
                self.effective_at.as_deref(),
                principal,
                api.clock().now(),
            )?,
            amount: fields::money(&self.amount, &self.currency)?,
            reference: self
                .reference
                .map(|text| fields::reference("reference", text))
                .transpose()?,
            order_reference: None,
            merchant_category: None,
            description: self.description.map(fields::description).transpose()?,
            metadata: fields::metadata(self.metadata)?,
        })
    }
}

/// A movement as a request asks for it: every value is valid, but nobody has looked yet whose
/// wallets it is about.
pub struct Order {
    /// The path of the route that takes it alone, with its ids: the key stands for it too.
    pub path: String,
    /// What is asked for.
    pub movement: Movement,
}

impl Order {
    /// The wallets that have to be known.
    pub fn wallets(&self) -> Vec<WalletId> {
        let own = std::iter::once(self.movement.wallet);
        own.chain(self.movement.counterparty).collect()
    }

    /// Checks that the caller may see and use the wallet, and that the counterparty is there and
    /// may receive this; notes what the merchant deals in.
    ///
    /// # Errors
    /// A wallet of somebody else is not there.
    pub fn admitted(
        mut self,
        principal: &Principal,
        facts: &HashMap<WalletId, Facts>,
    ) -> Result<Write, ApiError> {
        let mut parties = Vec::with_capacity(2);
        for id in self.wallets() {
            parties.push((id, facts.get(&id).ok_or(ErrorCode::NotFound)?));
        }
        let (_, own) = parties[0];
        if !principal.sees(&own.owner) {
            return Err(ErrorCode::NotFound.into());
        }
        let pays = self.movement.kind == Kind::Payment;
        let merchant = |(_, facts): &(WalletId, &Facts)| facts.kind == WalletKind::Merchant;
        if pays && !parties.last().is_some_and(merchant) {
            return Err(ApiError::from(ErrorCode::NotAMerchant).field("merchant"));
        }
        let owners = parties
            .iter()
            .map(|(id, facts)| (*id, facts.owner.as_str()));
        let sight = principal.sight(owners);
        let receiver = parties.last().filter(|_| pays);
        self.movement.merchant_category = receiver.and_then(|(_, facts)| facts.category.clone());
        Ok(Write {
            path: self.path,
            action: Action::Move(self.movement),
            sight,
        })
    }
}

/// A write that its caller may ask for: every value is valid, what it names is there, and whose
/// wallets it is about is known. Only the key is missing.
pub struct Write {
    /// The path of the route that takes it alone, with its ids: the key stands for it too.
    pub path: String,
    /// What to do.
    pub action: Action,
    /// What the caller may see of the wallets in the answer.
    pub sight: Sight,
}

impl Write {
    /// The same under a key.
    pub fn command(
        self,
        principal: &Principal,
        key: String,
        traceparent: Option<String>,
    ) -> Command {
        Command {
            caller: principal.caller(),
            key,
            fingerprint: fingerprint("POST", &self.path, &principal.viewer(), &self.action),
            action: self.action,
            sight: self.sight,
            traceparent,
        }
    }

    /// Submits a write that came alone, and sends its answer, new or repeated.
    pub async fn submit(
        self,
        api: &Api,
        principal: &Principal,
        headers: WriteHeaders,
    ) -> Result<Response, ApiError> {
        let command = self.command(principal, headers.key, headers.traceparent);
        Ok(answer::stored(api.engine().submit(command).await?))
    }
}

/// Submits a movement that came alone, and sends its answer.
pub async fn carry_out(
    api: &Api,
    principal: &Principal,
    headers: WriteHeaders,
    order: Order,
) -> Result<Response, ApiError> {
    let facts = api.facts_of(&order.wallets()).await?;
    let write = order.admitted(principal, &facts)?;
    write.submit(api, principal, headers).await
}

/// Submits a write and sends its answer, new or repeated. `path` is the route with its ids,
/// `sight` what the caller may see of the wallets in the answer.
pub async fn submit(
    api: &Api,
    principal: &Principal,
    headers: WriteHeaders,
    path: &str,
    sight: Sight,
    action: Action,
) -> Result<Response, ApiError> {
    let write = Write {
        path: path.to_owned(),
        action,
        sight,
    };
    write.submit(api, principal, headers).await
}

//! What refunds and reversals share: what is said about them.

use super::{
    api::Api,
    error::ApiError,
    fields::{self, Metadata},
};
use crate::{auth::Principal, domain};

/// What is said about a correction, as it came.
pub struct Remarks {
    pub reason: String,
    pub reference: Option<String>,
    pub effective_at: Option<String>,
    pub metadata: Option<Metadata>,
}

impl Remarks {
    /// The same, checked.
    pub fn parse(self, principal: &Principal, api: &Api) -> Result<domain::Remarks, ApiError> {
        let now = api.clock().now();
        Ok(domain::Remarks {
            reason: fields::reason(self.reason)?,
            effective_at: fields::effective_at(self.effective_at.as_deref(), principal, now)?,
            reference: self
                .reference
                .map(|text| fields::reference("reference", text))
                .transpose()?,
            metadata: fields::metadata(self.metadata)?,
        })
    }
}

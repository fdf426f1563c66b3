//! What is recorded about rates, quotes and exchanges.

use chrono::{DateTime, Utc};
use contracts::{
    Kind, Posted, QuoteId, Rejected, RejectionCode, TransactionId,
    event::{QuoteCreated, RatesSet},
    subjects::EventType,
};
use service_runtime::entropy;
use sqlx::PgConnection;

use super::{Log, leg};
use crate::{
    domain::{
        Caller, CreateQuote, Exchange, PlannedLeg, SetRates,
        exchange::{Conversion, Price, Quote},
    },
    store::{self, StoreError, journal::Heading, quotes::NewQuote, rates::NewRate},
};

/// Rows that know their event: they are written under the head's lock.
#[derive(Debug, Default)]
pub(in super::super) struct Rows {
    rates: Vec<NewRate>,
    quotes: Vec<NewQuote>,
    executed: Vec<(QuoteId, TransactionId)>,
}

impl Rows {
    /// Writes what there is; mostly nothing.
    pub(in super::super) async fn write(
        &self,
        tx: &mut PgConnection,
        posted_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if !self.rates.is_empty() {
            store::rates::insert_in_tx(tx, &self.rates, posted_at).await?;
        }
        if !self.quotes.is_empty() {
            store::quotes::insert_in_tx(tx, &self.quotes).await?;
        }
        if !self.executed.is_empty() {
            store::quotes::mark_executed_in_tx(tx, &self.executed).await?;
        }
        Ok(())
    }
}

impl Log {
    pub(super) fn rates_set(&mut self, set: &SetRates, caller: &Caller) -> RatesSet {
        let seq = self.head.seq;
        let rates = set.rates.iter().cloned().map(|rate| NewRate {
            rate,
            source: set.source.clone(),
            seq,
        });
        self.exchange.rates.extend(rates);
        RatesSet {
            id: self.event_id(),
            event_type: EventType::RatesSet,
            seq,
            source: set.source.clone(),
            rates: set.rates.clone(),
            actor: caller.0.clone(),
            posted_at: self.head.posted_at,
        }
    }

    pub(super) fn quoted(
        &mut self,
        asked: &CreateQuote,
        price: Price,
        to: Conversion,
    ) -> QuoteCreated {
        let created_at = self.head.posted_at;
        let quote = Quote {
            id: QuoteId::mint(created_at, entropy()),
            wallet: asked.wallet,
            from: asked.amount,
            to,
            price,
            created_at,
            expires_at: created_at + asked.terms.quote_life,
        };
        let event = QuoteCreated {
            id: self.event_id(),
            event_type: EventType::QuoteCreated,
            seq: self.head.seq,
            quote: quote.id,
            wallet: quote.wallet,
            from: quote.from.currency(),
            from_amount: quote.from.amount(),
            to: to.amount.currency(),
            to_amount: to.amount.amount(),
            spread_amount: to.value.amount() - to.amount.amount(),
            mid_rate: price.mid_rate,
            rate: price.rate,
            spread: price.spread,
            rate_as_of: price.as_of,
            expires_at: quote.expires_at,
            posted_at: created_at,
        };
        self.exchange.quotes.push(NewQuote {
            quote,
            seq: self.head.seq,
        });
        event
    }

    pub(super) fn exchanged(&mut self, exchange: &Exchange, legs: &[PlannedLeg]) -> Posted {
        let transaction = TransactionId::mint(self.head.posted_at, entropy());
        let heading = Heading {
            seq: self.head.seq,
            transaction: transaction.as_uuid(),
            kind: Some(Kind::Exchange),
            effective_at: self.head.posted_at,
            posted_at: self.head.posted_at,
        };
        for leg in legs {
            self.entries.posting(&heading, leg);
        }
        self.exchange
            .executed
            .push((exchange.quote.id, transaction));
        Posted {
            id: self.event_id(),
            event_type: EventType::ExchangePosted,
            seq: self.head.seq,
            transaction,
            kind: Kind::Exchange,
            effective_at: self.head.posted_at,
            posted_at: self.head.posted_at,
            legs: legs.iter().map(leg).collect(),
            reference: exchange.reference.clone(),
            order_reference: None,
            description: exchange.description.clone(),
            hold: None,
            hold_left: None,
            refunds: None,
            reverses: None,
            quote: Some(exchange.quote.id),
            metadata: exchange.metadata.clone(),
        }
    }

    pub(super) fn exchange_rejected(&self, exchange: &Exchange, code: RejectionCode) -> Rejected {
        Rejected {
            id: self.event_id(),
            event_type: EventType::ExchangeRejected,
            seq: self.head.seq,
            kind: Kind::Exchange,
            code,
            wallet: exchange.quote.wallet,
            counterparty: None,
            currency: exchange.quote.from.currency(),
            amount: exchange.quote.from.amount(),
            effective_at: self.head.posted_at,
            posted_at: self.head.posted_at,
            reference: exchange.reference.clone(),
            about: Some(exchange.quote.id.to_string()),
            limit: None,
        }
    }
}

//! Events as the ledger writes them and the relay sends them.

use std::collections::BTreeMap;

use async_nats::HeaderMap;
use contracts::{
    Account, Currency, EventId, EventType, Kind, LedgerEvent, Leg, Posted, TransactionId, WalletId,
    chain, headers,
    rpc::{EventsPage, EventsRequest, Head, LoggedEvent},
};
use service_runtime::{Clock, entropy};

/// The headers that the relay gives an event.
pub(crate) fn headers_of(event: &LoggedEvent) -> HeaderMap {
    let data: serde_json::Value = serde_json::from_str(&event.data).unwrap_or_default();
    let event_type = data["type"]
        .as_str()
        .unwrap_or("florin.ledger.deposit.posted.v1")
        .to_owned();
    let mut map = HeaderMap::new();
    map.insert(headers::SEQ, event.seq.to_string());
    map.insert(headers::HASH, event.hash.as_str());
    map.insert(headers::EPOCH, "1");
    map.insert(headers::CE_ID, event.id.to_string());
    map.insert(headers::CE_TYPE, event_type);
    map.insert(headers::CE_SPECVERSION, "1.0");
    map
}

pub(crate) fn deposit(seq: u64) -> LedgerEvent {
    let now = Clock::system().now();
    let currency: Currency = "EUR".parse().expect("a currency");
    let leg = |wallet, account, amount: &str| Leg {
        wallet,
        account,
        currency,
        amount: amount.parse().expect("a decimal"),
        balance_after: None,
        version: None,
        held: None,
        held_after: None,
        purpose: None,
    };
    let wallet = WalletId::mint(now, entropy());
    LedgerEvent::Posted(Posted {
        id: EventId::mint(now, entropy()),
        event_type: EventType::DepositPosted,
        seq,
        transaction: TransactionId::mint(now, entropy()),
        kind: Kind::Deposit,
        effective_at: now,
        posted_at: now,
        legs: vec![
            leg(None, Account::Funding, "-1.00"),
            leg(Some(wallet), Account::Main, "1.00"),
        ],
        reference: None,
        order_reference: None,
        description: None,
        metadata: BTreeMap::new(),
        hold: None,
        hold_left: None,
        refunds: None,
        reverses: None,
        quote: None,
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

pub(super) fn page(log: &[LoggedEvent], request: &EventsRequest) -> EventsPage {
    let head = log.last().map_or_else(
        || Head {
            seq: 0,
            hash: hex(&chain::GENESIS),
        },
        |event| Head {
            seq: event.seq,
            hash: event.hash.clone(),
        },
    );
    let wanted = log
        .iter()
        .filter(|event| (request.from..=request.to).contains(&event.seq))
        .take(contracts::limits::RPC_EVENTS_MAX as usize);
    EventsPage {
        head,
        events: wanted.cloned().collect(),
    }
}

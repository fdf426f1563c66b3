//! What the idempotency key of a command about rates and exchange stands for.

use serde::Serialize;

use crate::domain::Action;

#[derive(Serialize)]
struct Canonical<'a, T>(&'a str, T);

/// The parsed command in canonical form; empty for commands about something else.
pub fn canonical(action: &Action) -> String {
    let name = action.name();
    let text = match action {
        Action::SetRates(set) => {
            let form = |rate: &contracts::event::Rate| {
                let spread = rate.spread.map(|spread| spread.to_string());
                let as_of = rate.as_of.timestamp_micros();
                (rate.base, rate.quote, rate.rate.to_string(), as_of, spread)
            };
            let rates: Vec<_> = set.rates.iter().map(form).collect();
            serde_json::to_string(&Canonical(name, (&set.source, rates)))
        }
        // What the rates are is not part of what is asked for.
        Action::CreateQuote(asked) => {
            let amount = (asked.amount.to_string(), asked.amount.currency());
            serde_json::to_string(&Canonical(name, (asked.wallet, amount, asked.to)))
        }
        Action::Exchange(exchange) => serde_json::to_string(&Canonical(
            name,
            (
                (exchange.quote.id, exchange.quote.wallet),
                (&exchange.reference, &exchange.description),
                &exchange.metadata,
            ),
        )),
        _ => Ok(String::new()),
    };
    text.expect("tuples of texts and numbers always serialise")
}

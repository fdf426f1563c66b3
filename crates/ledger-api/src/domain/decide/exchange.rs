//! Rates, quotes, and the exchanges that quotes are for.

use contracts::{Account, RejectionCode, event::Purpose};

use super::{
    super::{
        BalanceKey, CreateQuote, Exchange, Needs, State, SystemShard,
        exchange::{self, Quote},
    },
    Context, Outcome,
    draft::Draft,
};

/// The price is decided by the newest rates that were there when the quote was asked for: rates
/// are not locked, and one that is set while we decide is as good a moment later.
pub(super) fn quote(asked: &CreateQuote, context: &Context) -> Result<Outcome, RejectionCode> {
    let from = asked.amount.currency();
    let price = exchange::price(from, asked.to, &asked.known, &asked.terms, context.now)?;
    let to = exchange::convert(asked.amount, asked.to, &price)?;
    Ok(Outcome::Quoted { price, to })
}

pub(super) fn needs(exchange: &Exchange, shard: SystemShard, needs: &mut Needs) {
    needs.quotes.insert(exchange.quote.id);
    needs
        .balances
        .extend(Keys::of(&exchange.quote, shard).all());
}

pub(super) fn execute(
    state: &mut State,
    exchange: &Exchange,
    context: &Context,
) -> Result<Outcome, RejectionCode> {
    let quote = &exchange.quote;
    let is_used = *state
        .quotes
        .get(&quote.id)
        .expect("a quote is locked before it is executed");
    // Used first: who asks again later wants to know that it happened.
    if is_used {
        return Err(RejectionCode::QuoteUsed);
    }
    if context.now >= quote.expires_at {
        return Err(RejectionCode::QuoteExpired);
    }
    let keys = Keys::of(quote, context.shard);
    let (value, amount) = (quote.to.value, quote.to.amount);
    // Both are of one currency, and the value is the larger.
    let kept = value
        .checked_sub(amount)
        .map_err(|_| RejectionCode::LimitExceeded)?;
    let mut draft = Draft::on(state);
    draft.leg(keys.own_from, quote.from.negated())?;
    draft.leg(keys.house_from, quote.from)?;
    draft.leg(keys.house_to, value.negated())?;
    draft.leg(keys.own_to, amount)?;
    if kept.is_positive() {
        draft.leg_for(Purpose::Spread, keys.revenue, kept)?;
    }
    let planned = draft.finish()?;
    let legs = planned.post(state);
    state.quotes.insert(quote.id, true);
    Ok(Outcome::Posted(legs))
}

/// The balances that an exchange changes.
struct Keys {
    own_from: BalanceKey,
    own_to: BalanceKey,
    house_from: BalanceKey,
    house_to: BalanceKey,
    revenue: BalanceKey,
}

impl Keys {
    fn of(quote: &Quote, shard: SystemShard) -> Self {
        let (from, to) = (quote.from.currency(), quote.to.amount.currency());
        Self {
            own_from: BalanceKey::main(quote.wallet, from),
            own_to: BalanceKey::main(quote.wallet, to),
            house_from: BalanceKey::system(Account::Fx, shard, from),
            house_to: BalanceKey::system(Account::Fx, shard, to),
            revenue: BalanceKey::system(Account::Revenue, shard, to),
        }
    }

    const fn all(&self) -> [BalanceKey; 5] {
        [
            self.own_from,
            self.own_to,
            self.house_from,
            self.house_to,
            self.revenue,
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, TimeDelta, Utc};
    use contracts::{Currency, Money, QuoteId, WalletId, event::Rate, parse_amount};
    use uuid::Uuid;

    use super::{
        super::{
            super::{
                Action, Balance, Restrictions,
                exchange::{Conversion, KnownRate, Price, Terms},
            },
            decide,
        },
        *,
    };

    fn money(amount: &str, code: &str) -> Money {
        parse_amount(amount, code.parse().expect("a currency")).expect("an amount")
    }

    fn context(seconds: i64) -> Context {
        Context {
            shard: SystemShard::of_lane(0),
            now: DateTime::from_timestamp(seconds, 0).expect("in range"),
        }
    }

    fn wallet() -> WalletId {
        WalletId::from_uuid(Uuid::from_u128(1_000))
    }

    /// 25 euros for 3,960 yen of a value of 4,000, good until second 30.
    fn exchange() -> Exchange {
        let quote = Quote {
            id: QuoteId::from_uuid(Uuid::from_u128(7)),
            wallet: wallet(),
            from: money("25.00", "EUR"),
            to: Conversion {
                value: money("4000", "JPY"),
                amount: money("3960", "JPY"),
            },
            price: Price {
                mid_rate: 160.into(),
                rate: rust_decimal::Decimal::new(1584, 1),
                spread: 1.into(),
                as_of: DateTime::UNIX_EPOCH,
            },
            created_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(30),
        };
        Exchange {
            quote,
            reference: None,
            description: None,
            metadata: BTreeMap::new(),
        }
    }

    fn state(opening: &str) -> State {
        let mut state = State::default();
        let mut wanted = Needs::default();
        needs(&exchange(), context(0).shard, &mut wanted);
        for key in wanted.balances {
            state.balances.insert(key, Balance::fresh(key));
        }
        let own = BalanceKey::main(wallet(), money("1", "EUR").currency());
        let funded = Balance {
            posted: money(opening, "EUR"),
            ..Balance::fresh(own)
        };
        state.balances.insert(own, funded);
        state.quotes.insert(exchange().quote.id, false);
        state
    }

    fn ask(state: &mut State, now: i64) -> Result<Vec<(String, String)>, RejectionCode> {
        let Outcome::Posted(legs) = decide(state, &Action::Exchange(exchange()), &context(now))?
        else {
            panic!("an exchange is posted")
        };
        let shown = |key: BalanceKey| format!("{} {}", key.account.as_str(), key.currency);
        Ok(legs
            .into_iter()
            .map(|leg| (shown(leg.key), leg.amount.to_string()))
            .collect())
    }

    #[test]
    fn an_exchange_has_five_legs_that_sum_to_zero_in_each_currency() {
        let legs = ask(&mut state("25.00"), 0).expect("executed");
        let expected = [
            ("main EUR", "-25.00"),
            ("fx EUR", "25.00"),
            ("fx JPY", "-4000"),
            ("main JPY", "3960"),
            ("revenue JPY", "40"),
        ];
        assert_eq!(
            legs,
            expected.map(|(key, amount)| (key.to_owned(), amount.to_owned()))
        );
    }

    #[test]
    fn a_quote_is_good_once_and_until_it_expires() {
        let mut state = state("100.00");
        assert_eq!(
            ask(&mut state.clone(), 30),
            Err(RejectionCode::QuoteExpired)
        );
        assert!(ask(&mut state, 29).is_ok());
        assert_eq!(ask(&mut state, 29), Err(RejectionCode::QuoteUsed));
        assert_eq!(ask(&mut state, 30), Err(RejectionCode::QuoteUsed));
    }

    #[test]
    fn floors_and_frozen_currencies_count_and_leave_the_quote_open() {
        let mut poor = state("24.99");
        assert_eq!(ask(&mut poor, 0), Err(RejectionCode::InsufficientFunds));
        assert!(!poor.quotes[&exchange().quote.id] && poor.touched.balances.is_empty());
        let restrict = |code: &str, restriction| {
            let mut state = state("25.00");
            let key = BalanceKey::main(wallet(), code.parse::<Currency>().expect("a currency"));
            let balance = state.balances.get_mut(&key).expect("there");
            balance.restrictions = restriction;
            ask(&mut state, 0).map(|legs| legs.len())
        };
        let frozen = Restrictions::CURRENCY_FROZEN;
        assert_eq!(restrict("EUR", frozen), Err(RejectionCode::CurrencyFrozen));
        assert_eq!(restrict("JPY", frozen), Ok(5), "what comes in is kept");
        assert_eq!(
            restrict("JPY", Restrictions::BLOCKED),
            Err(RejectionCode::WalletBlocked)
        );
    }

    #[test]
    fn a_quote_is_priced_at_the_moment_of_the_decision() {
        let rate = |as_of: DateTime<Utc>| KnownRate {
            rate: Rate {
                base: "EUR".parse().expect("a currency"),
                quote: "JPY".parse().expect("a currency"),
                rate: 160.into(),
                as_of,
                spread: None,
            },
            seq: 1,
        };
        let asked = CreateQuote {
            wallet: wallet(),
            amount: money("25.00", "EUR"),
            to: "JPY".parse().expect("a currency"),
            known: vec![rate(DateTime::UNIX_EPOCH)],
            terms: Terms {
                spread: 1.into(),
                rate_age_max: TimeDelta::seconds(10),
                quote_life: TimeDelta::seconds(30),
            },
        };
        let ask = |now| {
            decide(
                &mut State::default(),
                &Action::CreateQuote(asked.clone()),
                &context(now),
            )
        };
        let Ok(Outcome::Quoted { price, to }) = ask(10) else {
            panic!("a price")
        };
        assert_eq!((price, to), (exchange().quote.price, exchange().quote.to));
        assert_eq!(ask(11), Err(RejectionCode::RateStale));
    }
}

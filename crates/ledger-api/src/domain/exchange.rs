//! Exchange: what one currency is worth in another, and what an amount becomes.
//!
//! A rate is exact as it is given. What is computed from rates (the inverse, a cross rate, a rate
//! less its spread) and what is computed with them (amounts) is rounded down, always against the
//! client. So whoever exchanges to and fro never ends with more than before, in one step or in
//! many. Everything is done in whole numbers of any size: a `Decimal` would round without a word
//! beyond 28 digits.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{
    Currency, Money, QuoteId, RejectionCode, WalletId,
    event::Rate,
    limits::RATE_DIGITS_MAX,
    money::{AMOUNT_MAX, AMOUNT_MAX_FINE, FINE_SCALE},
};
use num_bigint::BigUint;
use rust_decimal::Decimal;

/// Between two currencies that have no rate of their own the way is over this one: it is the base
/// of the published rates.
pub const HUB: &str = "EUR";
/// Decimals of a computed rate: what a `Decimal` holds.
const DECIMALS_MAX: u32 = 28;

/// A rate, and where it stands in the log: of two for one moment the later one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRate {
    /// The rate.
    pub rate: Rate,
    /// Position in the log.
    pub seq: u64,
}

/// How the house exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What the house keeps in percent, where a rate does not say.
    pub spread: Decimal,
    /// A rate that is older is not used.
    pub rate_age_max: TimeDelta,
    /// How long a quote is good.
    pub quote_life: TimeDelta,
}

/// What one unit of a currency is exchanged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// What it is worth.
    pub mid_rate: Decimal,
    /// What it is exchanged for: `mid_rate` less the spread.
    pub rate: Decimal,
    /// What the house keeps, in percent.
    pub spread: Decimal,
    /// The moment of the rate; of the older one, when there are two.
    pub as_of: DateTime<Utc>,
}

/// What an amount becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversion {
    /// What it is worth.
    pub value: Money,
    /// What it is exchanged for.
    pub amount: Money,
}

/// What never changes about a quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The quote.
    pub id: QuoteId,
    /// Whose money is exchanged.
    pub wallet: WalletId,
    /// What leaves.
    pub from: Money,
    /// What it becomes.
    pub to: Conversion,
    /// At which price.
    pub price: Price,
    /// When it was given.
    pub created_at: DateTime<Utc>,
    /// From this moment on it is good for nothing.
    pub expires_at: DateTime<Utc>,
}

/// What one unit of `from` is exchanged for in `to` at `now`, by the newest rates of `known`.
///
/// Where the two currencies have a rate of their own and a way over [`HUB`], the lower of the two
/// counts: a circle that goes over currencies with a rate against the hub cannot profit then,
/// whatever the rates are.
///
/// # Errors
/// `RateUnknown` without a way, `RateStale` when every way has a rate that is too old.
pub fn price(
    from: Currency,
    to: Currency,
    known: &[KnownRate],
    terms: &Terms,
    now: DateTime<Utc>,
) -> Result<Price, RejectionCode> {
    let ways: Vec<Way> = [direct(from, to, known), over_hub(from, to, known)]
        .into_iter()
        .flatten()
        .collect();
    if ways.is_empty() {
        return Err(RejectionCode::RateUnknown);
    }
    ways.into_iter()
        .filter(|way| now.signed_duration_since(way.as_of) <= terms.rate_age_max)
        .map(|way| way.price(terms.spread))
        .min_by_key(|price| price.mid_rate)
        .ok_or(RejectionCode::RateStale)
}

/// The pairs whose rates a price between two currencies may come from, as they may be stored.
pub fn pairs(from: Currency, to: Currency) -> Vec<(Currency, Currency)> {
    let mut pairs = vec![(from, to), (to, from)];
    let hub = hub();
    if from != hub && to != hub {
        pairs.extend([(hub, from), (from, hub), (hub, to), (to, hub)]);
    }
    pairs
}

/// What `amount` becomes in `to`.
///
/// # Errors
/// `AmountTooSmall` when nothing would be left, `LimitExceeded` when it would be more than one
/// movement may have.
pub fn convert(amount: Money, to: Currency, price: &Price) -> Result<Conversion, RejectionCode> {
    let conversion = Conversion {
        value: at_rate(amount, to, price.mid_rate)?,
        amount: at_rate(amount, to, price.rate)?,
    };
    if conversion.amount.is_zero() {
        return Err(RejectionCode::AmountTooSmall);
    }
    Ok(conversion)
}

/// A way from one currency to another: the worth of one unit as a fraction.
struct Way {
    worth: Ratio,
    spread: Option<Decimal>,
    /// Both rates of a way must say the spread, else the house's default is one of the two.
    defaulted: bool,
    as_of: DateTime<Utc>,
}

impl Way {
    fn price(self, default: Decimal) -> Price {
        let stated = self.spread.filter(|own| !self.defaulted || *own > default);
        let spread = stated.unwrap_or(default).normalize();
        let mid_rate = self.worth.rounded_down();
        let kept = Decimal::ONE_HUNDRED - spread;
        let part = Ratio::of(kept).over(&Ratio::of(Decimal::ONE_HUNDRED));
        Price {
            mid_rate,
            rate: Ratio::of(mid_rate).times(&part).rounded_down(),
            spread,
            as_of: self.as_of,
        }
    }
}

fn direct(from: Currency, to: Currency, known: &[KnownRate]) -> Option<Way> {
    let newest = known
        .iter()
        .filter(|known| {
            let (base, quote) = (known.rate.base, known.rate.quote);
            (base, quote) == (from, to) || (base, quote) == (to, from)
        })
        .max_by_key(|known| (known.rate.as_of, known.seq))?;
    let stated = Ratio::of(newest.rate.rate);
    let forward = newest.rate.base == from;
    Some(Way {
        worth: if forward { stated } else { stated.inverse() },
        spread: newest.rate.spread,
        defaulted: newest.rate.spread.is_none(),
        as_of: newest.rate.as_of,
    })
}

/// Both legs exactly, rounded once: rounding each would lose digits twice.
fn over_hub(from: Currency, to: Currency, known: &[KnownRate]) -> Option<Way> {
    let hub = hub();
    if from == hub || to == hub {
        return None;
    }
    let (first, second) = (direct(from, hub, known)?, direct(hub, to, known)?);
    Some(Way {
        worth: first.worth.times(&second.worth),
        spread: first.spread.max(second.spread),
        defaulted: first.defaulted || second.defaulted,
        as_of: first.as_of.min(second.as_of),
    })
}

fn hub() -> Currency {
    HUB.parse().expect("the hub is a currency")
}

/// Rounded down to the smallest unit of `to`.
fn at_rate(amount: Money, to: Currency, rate: Decimal) -> Result<Money, RejectionCode> {
    let scale = Ratio::of(Decimal::ONE).shifted(to.scale());
    let units = Ratio::of(amount.amount())
        .times(&Ratio::of(rate))
        .times(&scale)
        .whole();
    let too_large = RejectionCode::LimitExceeded;
    let units = i128::try_from(units).map_err(|_| too_large)?;
    let number = Decimal::try_from_i128_with_scale(units, to.scale()).map_err(|_| too_large)?;
    let largest = if to.scale() > FINE_SCALE {
        AMOUNT_MAX_FINE
    } else {
        AMOUNT_MAX
    };
    if number > largest {
        return Err(too_large);
    }
    Money::exact(number, to).map_err(|_| too_large)
}

/// A fraction of two whole numbers of any size.
struct Ratio {
    over: BigUint,
    under: BigUint,
}

impl Ratio {
    /// Of a number that is not negative: rates and amounts are above zero.
    fn of(number: Decimal) -> Self {
        Self {
            over: BigUint::from(number.mantissa().unsigned_abs()),
            under: ten_to(number.scale()),
        }
    }

    /// Times 10^`digits`.
    fn shifted(self, digits: u32) -> Self {
        Self {
            over: self.over * ten_to(digits),
            under: self.under,
        }
    }

    fn times(&self, other: &Self) -> Self {
        Self {
            over: &self.over * &other.over,
            under: &self.under * &other.under,
        }
    }

    fn over(&self, other: &Self) -> Self {
        self.times(&Self {
            over: other.under.clone(),
            under: other.over.clone(),
        })
    }

    fn inverse(self) -> Self {
        Self {
            over: self.under,
            under: self.over,
        }
    }

    fn whole(&self) -> BigUint {
        &self.over / &self.under
    }

    /// As a rate: at most [`RATE_DIGITS_MAX`] significant digits and [`DECIMALS_MAX`] decimals,
    /// rounded down.
    fn rounded_down(&self) -> Decimal {
        let mut scaled = &self.over * ten_to(DECIMALS_MAX) / &self.under;
        let mut scale = DECIMALS_MAX;
        let digits = u32::try_from(scaled.to_string().len()).unwrap_or(u32::MAX);
        let excess = digits.saturating_sub(RATE_DIGITS_MAX);
        let dropped = excess.min(scale);
        scaled /= ten_to(dropped);
        scale -= dropped;
        // Beyond 10^18: the digits that do not count become zeros.
        let zeros = ten_to(excess - dropped);
        scaled = &scaled / &zeros * &zeros;
        i128::try_from(scaled)
            .ok()
            .and_then(|number| Decimal::try_from_i128_with_scale(number, scale).ok())
            .expect("two rates below 10^12 and above 10^-12 stay below 10^25 together")
            .normalize()
    }
}

fn ten_to(digits: u32) -> BigUint {
    BigUint::from(10_u32).pow(digits)
}

#[cfg(test)]
mod tests;

//! What one lane does: steps that count on nothing but what the lane itself brought about.

use chrono::DateTime;
use contracts::{Currency, Money, WalletId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;

use super::market::{Action, By, Expect, Party, Settings, Step};

/// Minor units of a top-up: ten to two hundred euros.
const TOP_UP: std::ops::RangeInclusive<i64> = 1_000..=20_000;
/// Minor units of what is spent at once, where the purse has it.
const SPENT: std::ops::RangeInclusive<i64> = 150..=6_000;
/// Every so many customers is a tourist with yen: a currency without decimals.
const TOURIST_EVERY: u16 = 8;

/// What a lane counts on.
pub struct Lane {
    settings: Settings,
    prefix: String,
    random: StdRng,
    purses: Vec<Purse>,
}

/// A customer's money, as far as the lane knows; others may send more.
struct Purse {
    person: usize,
    currency: Currency,
    minor: i64,
}

impl Lane {
    /// The lane of this number.
    pub fn new(settings: Settings, day: &str, number: u32) -> Self {
        let lanes = settings.concurrency.min(settings.customers).max(1);
        let purses = (0..settings.customers)
            .filter(|person| u32::from(person % lanes) == number)
            .map(|person| Purse {
                person: usize::from(person),
                currency: currency_of(person),
                minor: 0,
            })
            .collect();
        // One stream of numbers for each lane, so that lanes do not depend on each other.
        let random = StdRng::seed_from_u64(
            settings
                .seed
                .wrapping_mul(1_000_003)
                .wrapping_add(number.into()),
        );
        Self {
            settings,
            prefix: format!("{day}-{number}"),
            random,
            purses,
        }
    }

    /// So many steps.
    pub fn steps(mut self, count: u32) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for number in 0..count {
            let key = format!("{}-{number}", self.prefix);
            let purse = self.random.random_range(0..self.purses.len());
            let step = match self.random.random_range(0..100_u32) {
                0..=9 => self.refused(key, purse, steps.last()),
                10..=29 => self.top_up(key, purse),
                30..=74 => self.spend(key, purse, Spend::Pay),
                75..=89 => self.spend(key, purse, Spend::Transfer),
                _ => self.spend(key, purse, Spend::Withdraw),
            };
            steps.push(step);
        }
        steps
    }

    fn top_up(&mut self, key: String, purse: usize) -> Step {
        let minor = self.random.random_range(TOP_UP);
        let Purse {
            person, currency, ..
        } = self.purses[purse];
        self.purses[purse].minor += minor;
        let action = Action::Deposit { to: person };
        self.posted(key, By::Cashier, action, money(minor, currency))
    }

    fn spend(&mut self, key: String, purse: usize, what: Spend) -> Step {
        let Purse {
            person,
            currency,
            minor: has,
        } = self.purses[purse];
        if has < *SPENT.start() {
            return self.top_up(key, purse);
        }
        let minor = self
            .random
            .random_range(*SPENT.start()..=has.min(*SPENT.end()));
        let action = match what {
            Spend::Pay => Action::Pay {
                from: person,
                merchant: self.merchant(),
            },
            Spend::Transfer => match self.friend(person) {
                Some(to) => Action::Transfer {
                    from: person,
                    to: Party::Person(to),
                },
                None => Action::Withdraw { from: person },
            },
            Spend::Withdraw => Action::Withdraw { from: person },
        };
        self.purses[purse].minor -= minor;
        self.posted(key, By::Customer(person), action, money(minor, currency))
    }

    fn posted(&mut self, key: String, by: By, action: Action, money: Money) -> Step {
        Step {
            key,
            by,
            action,
            amount: money.to_string(),
            currency: money.currency(),
            expect: Expect::Posted(money),
            is_repeated: self.random.random_range(0..20) == 0,
        }
    }

    /// Something that must not work.
    fn refused(&mut self, key: String, purse: usize, previous: Option<&Step>) -> Step {
        let Purse {
            person, currency, ..
        } = self.purses[purse];
        let withdraw = Action::Withdraw { from: person };
        let transfer = |to| Action::Transfer { from: person, to };
        let mut step = self.posted(key, By::Customer(person), withdraw, money(100, currency));
        let code = match self.random.random_range(0..10) {
            0 => {
                step.action = transfer(Party::Person(person));
                "self_transfer"
            }
            1 => {
                let id = WalletId::mint(DateTime::UNIX_EPOCH, self.random.random());
                step.action = transfer(Party::Nobody(id));
                "not_found"
            }
            2 => {
                "1.0001".clone_into(&mut step.amount);
                "amount_too_fine"
            }
            3 => {
                step.action = Action::Deposit { to: person };
                "forbidden"
            }
            4 if previous.is_some_and(reusable) => {
                let previous = previous.expect("just looked at");
                step = Step {
                    amount: "0.01".to_owned(),
                    is_repeated: false,
                    ..previous.clone()
                };
                "idempotency_key_reused"
            }
            _ => {
                // More than all customers together ever have.
                let all = i64::from(self.settings.operations) * TOP_UP.end() + 1;
                step.amount = money(all, currency).to_string();
                "insufficient_funds"
            }
        };
        step.expect = Expect::Refused(code);
        step
    }

    fn merchant(&mut self) -> usize {
        let number = self.random.random_range(0..self.settings.merchants);
        usize::from(self.settings.customers) + usize::from(number)
    }

    /// Somebody else of any lane.
    fn friend(&mut self, person: usize) -> Option<usize> {
        let others: Vec<usize> = (0..usize::from(self.settings.customers))
            .filter(|other| *other != person)
            .collect();
        others.choose(&mut self.random).copied()
    }
}

#[derive(Debug, Clone, Copy)]
enum Spend {
    Pay,
    Transfer,
    Withdraw,
}

/// Its key stands for it, and 0.01 is an amount that it did not have.
fn reusable(step: &Step) -> bool {
    matches!(step.expect, Expect::Posted(_)) && step.currency.scale() == 2
}

fn currency_of(customer: u16) -> Currency {
    let code = if customer % TOURIST_EVERY == TOURIST_EVERY - 1 {
        "JPY"
    } else {
        "EUR"
    };
    code.parse().expect("a known currency")
}

fn money(minor: i64, currency: Currency) -> Money {
    let amount = Decimal::new(minor, currency.scale());
    Money::exact(amount, currency).expect("it is at the currency's scale")
}

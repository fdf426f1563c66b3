//! The plan of a market day: who comes, and what they do. Pure: the same settings give the same
//! plan.
//!
//! Customers are dealt out to lanes. A lane's steps run one after the other, lanes run beside
//! each other, and only a lane takes money from its own customers. So a customer never has less
//! than the plan counts on, whatever the other lanes do, and every outcome is known beforehand.

use chrono::DateTime;
use contracts::event::WalletKind;
use contracts::{Currency, Money, WalletId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;

/// Minor units of a top-up: ten to two hundred euros.
const TOP_UP: std::ops::RangeInclusive<i64> = 1_000..=20_000;
/// Minor units of what is spent at once, where the purse has it.
const SPENT: std::ops::RangeInclusive<i64> = 150..=6_000;
/// Every so many customers is a tourist with yen: a currency without decimals.
const TOURIST_EVERY: u16 = 8;

const CUSTOMERS: &[&str] = &[
    "Ada", "Ben", "Carla", "Dan", "Emma", "Finn", "Grete", "Hugo", "Ida", "Jon", "Kaja", "Leo",
    "Mia", "Nils", "Olga", "Paul", "Quinn", "Rosa", "Sam", "Tilda", "Uwe", "Vera", "Wim", "Xenia",
    "Yara", "Zeno",
];
const MERCHANTS: &[&str] = &[
    "Bakery",
    "Cheese stall",
    "Fishmonger",
    "Flower stand",
    "Coffee cart",
    "Bookbinder",
    "Spice merchant",
    "Potter",
    "Honey stall",
    "Knife grinder",
    "Fruit barrow",
    "Soup kitchen",
];

/// How large the day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The same seed and sizes give the same day.
    pub seed: u64,
    /// Customers.
    pub customers: u16,
    /// Merchants.
    pub merchants: u16,
    /// Operations, repetitions not counted.
    pub operations: u32,
    /// Operations at a time.
    pub concurrency: u16,
}

/// A day.
#[derive(Debug, Clone)]
pub struct Market {
    /// Customers first, then merchants.
    pub people: Vec<Person>,
    /// What happens, lane by lane.
    pub lanes: Vec<Vec<Step>>,
}

/// Somebody with a wallet.
#[derive(Debug, Clone)]
pub struct Person {
    /// As people call them.
    pub name: String,
    /// As tokens call them; of this day only.
    pub owner: String,
    /// Customer or merchant.
    pub kind: WalletKind,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The market's cashier.
    Cashier,
    /// A customer.
    Customer(usize),
}

/// What is asked for; wallets are positions in [`Market::people`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Money comes in.
    Deposit { to: usize },
    /// Money goes out.
    Withdraw { from: usize },
    /// Money for a friend.
    Transfer { from: usize, to: Party },
    /// Money for a merchant.
    Pay { from: usize, merchant: usize },
}

/// The other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// Somebody of the market.
    Person(usize),
    /// A wallet that nobody has.
    Nobody(WalletId),
}

/// What must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// It is posted, with exactly this amount.
    Posted(Money),
    /// It is refused with this code.
    Refused(&'static str),
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its idempotency key.
    pub key: String,
    /// Who asks.
    pub by: By,
    /// For what.
    pub action: Action,
    /// How much, as it is sent; not always an amount that will do.
    pub amount: String,
    /// Of which currency.
    pub currency: Currency,
    /// What must come of it.
    pub expect: Expect,
    /// Sent once more under the same key?
    pub is_repeated: bool,
}

/// Plans a day.
pub fn plan(settings: Settings) -> Market {
    let Settings {
        seed,
        customers,
        merchants,
        operations,
        concurrency,
    } = settings;
    // The key says the sizes too: another plan must not meet this one's keys.
    let day = format!("day-{seed}-{customers}-{merchants}-{operations}-{concurrency}");
    let person = |names: &[&str], number: u16, kind: WalletKind| {
        let (name, round) = (
            usize::from(number) % names.len(),
            usize::from(number) / names.len(),
        );
        let name = match round {
            0 => names[name].to_owned(),
            _ => format!("{} {}", names[name], round + 1),
        };
        let slug = name.to_lowercase().replace(' ', "-");
        Person {
            owner: format!("{day}-{slug}"),
            name,
            kind,
        }
    };
    let people = (0..customers)
        .map(|number| person(CUSTOMERS, number, WalletKind::Customer))
        .chain((0..merchants).map(|number| person(MERCHANTS, number, WalletKind::Merchant)))
        .collect();
    let lanes = u32::from(concurrency.min(customers).max(1));
    let lanes = (0..lanes)
        .map(|number| {
            let share = operations / lanes + u32::from(number < operations % lanes);
            Lane::new(settings, &day, number).steps(share)
        })
        .collect();
    Market { people, lanes }
}

/// What a lane counts on.
struct Lane {
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
    fn new(settings: Settings, day: &str, number: u32) -> Self {
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

    fn steps(mut self, count: u32) -> Vec<Step> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::oracle::Books;

    const SMALL: Settings = Settings {
        seed: 7,
        customers: 9,
        merchants: 3,
        operations: 500,
        concurrency: 4,
    };

    #[test]
    fn the_same_settings_give_the_same_day_and_another_seed_another() {
        assert_eq!(plan(SMALL).lanes, plan(SMALL).lanes);
        assert_ne!(plan(SMALL).lanes, plan(Settings { seed: 8, ..SMALL }).lanes);
    }

    #[test]
    fn a_day_has_all_its_operations_and_every_kind_of_them() {
        let market = plan(SMALL);
        let steps: Vec<&Step> = market.lanes.iter().flatten().collect();
        assert_eq!(
            (steps.len(), market.lanes.len(), market.people.len()),
            (500, 4, 12)
        );
        let any = |is: &dyn Fn(&Step) -> bool| steps.iter().any(|step| is(step));
        assert!(any(&|step| matches!(step.action, Action::Pay { .. })));
        assert!(any(&|step| matches!(step.action, Action::Transfer { .. })));
        assert!(any(&|step| step.is_repeated));
        assert!(any(&|step| step.currency.code() == "JPY"));
        for code in [
            "insufficient_funds",
            "self_transfer",
            "not_found",
            "idempotency_key_reused",
        ] {
            assert!(any(&|step| step.expect == Expect::Refused(code)), "{code}");
        }
    }

    #[test]
    fn no_lane_spends_what_its_customers_may_not_have_yet() {
        // Each lane alone, as if the others never sent anything.
        let market = plan(SMALL);
        for lane in &market.lanes {
            let mut books = Books::new(market.people.len());
            let own: Vec<usize> = lane
                .iter()
                .filter_map(|step| match step.by {
                    By::Customer(person) => Some(person),
                    By::Cashier => None,
                })
                .collect();
            for step in lane {
                books.apply(step).expect("it adds up");
                for person in &own {
                    for balance in books.balances(*person) {
                        assert!(!balance.is_negative(), "{step:?}");
                    }
                }
            }
        }
    }
}

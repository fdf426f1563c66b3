//! The plan of a market day: who comes, and what they do. Pure: the same settings give the same
//! plan.
//!
//! Customers are dealt out to lanes. A lane's steps run one after the other, lanes run beside
//! each other, and only a lane takes money from its own customers. So a customer never has less
//! than the plan counts on, whatever the other lanes do, and every outcome is known beforehand.

use contracts::event::WalletKind;
use contracts::{Currency, Money, WalletId};

use super::lane::Lane;

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

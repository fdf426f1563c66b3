//! One sequence: every step is asked of the reference, of the rules and of the database.

use std::fmt::Debug;

use contracts::{RejectionCode, WalletId};
use ledger_api::{
    domain::{
        Action, Balance, BalanceKey, Command, Context, Needs, Restrictions, State, SystemShard,
        decide, needs,
    },
    posting::{Answer, SubmitError},
};
use serde_json::Value;
use service_runtime::Clock;

use super::{
    operations::{Coin, Operation, Step, WALLETS},
    reference::{Code, Reference, Wallet},
};
use crate::books::{Books, command};

/// What was asked and answered, so that it can be asked again.
struct Asked {
    commands: Vec<Command>,
    linked: bool,
    bodies: Vec<String>,
}

pub struct Case<'a> {
    books: &'a Books,
    number: u64,
    wallets: Vec<WalletId>,
    reference: Reference,
    rules: State,
    asked: Vec<Asked>,
}

fn same<T: PartialEq + Debug>(what: &str, left: &T, right: &T) -> Result<(), String> {
    if left == right {
        Ok(())
    } else {
        Err(format!("{what}: {left:?} is not {right:?}"))
    }
}

impl<'a> Case<'a> {
    pub async fn open(books: &'a Books, number: u64) -> Self {
        let mut wallets = Vec::with_capacity(WALLETS);
        let mut rules = State::default();
        for n in 0..WALLETS {
            let wallet = books.wallet(&format!("case {number} wallet {n}")).await;
            rules.wallets.insert(wallet, Restrictions::NONE);
            wallets.push(wallet);
        }
        Self {
            books,
            number,
            wallets,
            reference: Reference::default(),
            rules,
            asked: Vec::new(),
        }
    }

    /// Asks all three, and compares what they answer and what they hold afterwards.
    pub async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::One(operation) => self.ask(std::slice::from_ref(operation), true).await?,
            Step::Linked(operations) => self.ask(operations, true).await?,
            Step::Each(operations) => self.ask(operations, false).await?,
            Step::Rehearsal(linked, operations) => self.rehearse(operations, *linked).await?,
            Step::Again(earlier) => self.repeat(*earlier).await?,
        }
        self.compare().await
    }

    async fn ask(&mut self, operations: &[Operation], linked: bool) -> Result<(), String> {
        let expected = expect(&mut self.reference, operations, linked);
        let commands = self.commands(operations);
        let actions: Vec<Action> = commands.iter().map(|one| one.action.clone()).collect();
        let ruled = rule(&mut self.rules, &actions, linked);
        same("rules and reference", &ruled, &expected)?;
        let outcomes = self.submit(commands.clone(), linked).await?;
        let bodies = bodies(&outcomes, false)?;
        same("database and reference", &codes(&bodies), &owned(&expected))?;
        self.asked.push(Asked {
            commands,
            linked,
            bodies,
        });
        Ok(())
    }

    async fn rehearse(&mut self, operations: &[Operation], linked: bool) -> Result<(), String> {
        let expected = expect(&mut self.reference.clone(), operations, linked);
        let commands = self.commands(operations);
        let outcomes = self.books.engine.rehearse(commands, linked).await;
        let bodies = bodies(&outcomes.map_err(|error| error.to_string())?, false)?;
        same(
            "rehearsal and reference",
            &codes(&bodies),
            &owned(&expected),
        )
    }

    async fn repeat(&self, earlier: usize) -> Result<(), String> {
        if self.asked.is_empty() {
            return Ok(());
        }
        let asked = &self.asked[earlier % self.asked.len()];
        let outcomes = self.submit(asked.commands.clone(), asked.linked).await?;
        same("repetition", &bodies(&outcomes, true)?, &asked.bodies)
    }

    async fn submit(
        &self,
        commands: Vec<Command>,
        linked: bool,
    ) -> Result<Vec<Result<Answer, SubmitError>>, String> {
        let engine = &self.books.engine;
        let outcomes = if linked {
            engine.submit_linked(commands).await
        } else {
            engine.submit_each(commands).await
        };
        outcomes.map_err(|error| error.to_string())
    }

    /// Rehearsals use no keys, so theirs may be those of the next step.
    fn commands(&self, operations: &[Operation]) -> Vec<Command> {
        let step = self.asked.len();
        let numbered = operations.iter().enumerate();
        numbered
            .map(|(n, operation)| {
                let key = format!("case {} step {step} {n}", self.number);
                command("model", &key, operation.action(&self.wallets))
            })
            .collect()
    }

    /// Balances, versions, credit lines and states; what was never touched is empty everywhere.
    async fn compare(&self) -> Result<(), String> {
        for (n, id) in self.wallets.iter().enumerate() {
            let expected = &self.reference.wallets[n];
            let (row, balances) =
                ledger_api::store::wallets::find_with_balances(&self.books.owner, *id)
                    .await
                    .map_err(|error| error.to_string())?
                    .ok_or("the wallet is gone")?;
            let whole = self.rules.wallets[id];
            same("status", &row.restrictions.status(), &expected.status())?;
            same("status by the rules", &whole.status(), &expected.status())?;
            for coin in Coin::ALL {
                let stored = balances
                    .iter()
                    .find(|own| own.currency.code() == coin.code());
                let stored = stored.map(|own| {
                    let frozen = own.restrictions.has(Restrictions::CURRENCY_FROZEN);
                    let held = own.held.to_string();
                    (
                        own.posted.to_string(),
                        held,
                        own.credit_limit.to_string(),
                        frozen,
                        own.version,
                    )
                });
                let purse = shown(expected, coin);
                let what = format!("wallet {n} {coin:?}");
                same(
                    &what,
                    &stored.unwrap_or_else(|| shown(&Wallet::default(), coin)),
                    &purse,
                )?;
                same(
                    &format!("{what} by the rules"),
                    &self.ruled(*id, coin),
                    &purse,
                )?;
            }
        }
        Ok(())
    }

    /// The balance that the rules have come to.
    fn ruled(&self, wallet: WalletId, coin: Coin) -> Shown {
        let key = BalanceKey::main(wallet, coin.code().parse().expect("a currency"));
        let own = self.rules.balances.get(&key).copied();
        let own = own.unwrap_or_else(|| Balance::fresh(key));
        let limit = own.credit_limit.expect("a wallet's balance has a floor");
        let frozen = own.restrictions.has(Restrictions::CURRENCY_FROZEN);
        let held = own.held.to_string();
        (
            own.posted.to_string(),
            held,
            limit.to_string(),
            frozen,
            own.version,
        )
    }
}

/// Posted, held, credit line, frozen, version.
type Shown = (String, String, String, bool, u64);

fn shown(wallet: &Wallet, coin: Coin) -> Shown {
    let purse = wallet.purse(coin);
    let money = |minor: i64| {
        let sign = if minor < 0 { "-" } else { "" };
        format!("{sign}{}", coin.money(minor.abs()))
    };
    (
        money(purse.minor),
        money(0),
        money(purse.limit),
        purse.frozen,
        purse.version,
    )
}

fn expect(reference: &mut Reference, operations: &[Operation], linked: bool) -> Vec<Code> {
    if linked {
        reference.linked(operations)
    } else {
        reference.each(operations)
    }
}

/// The rules alone, without the engine: rows that are missing are made as the store makes them.
fn rule(state: &mut State, actions: &[Action], linked: bool) -> Vec<Code> {
    let context = Context {
        shard: SystemShard::of_lane(0),
        now: Clock::system().now(),
    };
    let mut wanted = Needs::default();
    for action in actions {
        needs(action, &context, &mut wanted);
    }
    for key in wanted.balances {
        let own = state.wallets.get(&key.wallet).copied();
        state.balances.entry(key).or_insert_with(|| Balance {
            restrictions: own.unwrap_or(Restrictions::NONE),
            ..Balance::fresh(key)
        });
    }
    let before = state.clone();
    let mut codes = Vec::with_capacity(actions.len());
    for action in actions {
        let against = decide(state, action, &context).err();
        codes.push(against.map(RejectionCode::as_str).unwrap_or_default());
        if against.is_some() && linked {
            *state = before;
            let guilty = codes.len() - 1;
            codes[..guilty].fill("batch_rejected");
            codes.resize(actions.len(), "batch_rejected");
            break;
        }
    }
    codes
}

fn bodies(outcomes: &[Result<Answer, SubmitError>], replayed: bool) -> Result<Vec<String>, String> {
    let mut bodies = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let answer = outcome.as_ref().map_err(ToString::to_string)?;
        same("replayed", &answer.replayed, &replayed)?;
        bodies.push(answer.rendered.body.clone());
    }
    Ok(bodies)
}

fn codes(bodies: &[String]) -> Vec<String> {
    let event = |body: &String| serde_json::from_str::<Value>(body).expect("JSON");
    let code = |event: Value| event["code"].as_str().unwrap_or_default().to_owned();
    bodies.iter().map(event).map(code).collect()
}

fn owned(codes: &[Code]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

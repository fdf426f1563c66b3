//! A planned day, played over the HTTP API by as many hands as it has lanes.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use contracts::{Currency, Kind, Money, WalletId};
use futures_util::{StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use tokio::task::JoinSet;

use super::market::{Action, By, Expect, Market, Party, Step};
use crate::api_client::{
    ApiClient, ApiError, Movement, NewPayment, NewWallet, Transaction, Written,
};
use crate::fleet::Fleet;
use crate::token::{self, Grant, Role};

/// The cashier's name in tokens: the scope of the keys of top-ups.
const CASHIER: &str = "market-cashier";
/// Wallets that are opened, read or compared at a time.
pub(super) const WALLETS_AT_A_TIME: usize = 8;

/// Those who play, with their wallets and tokens.
pub struct Players {
    /// The plan.
    pub market: Market,
    /// The wallets, in the order of the plan's people.
    pub wallets: Vec<WalletId>,
    /// Somebody who sees everything.
    pub cashier: ApiClient,
    customers: Vec<ApiClient>,
}

/// What happened.
#[derive(Debug, Default)]
pub struct Happened {
    /// Count and sum of what was posted.
    pub posted: BTreeMap<(Kind, Currency), (u64, Option<Money>)>,
    /// Refusals by code.
    pub refused: BTreeMap<String, u64>,
    /// Operations that were sent twice.
    pub repeated: u64,
    /// Operations that were there already, from an earlier day of the same plan.
    pub replayed: u64,
    /// The highest sequence number seen.
    pub last_seq: u64,
    /// Outcomes that are not the plan's.
    pub differences: Vec<String>,
}

impl Players {
    /// Opens everybody's wallet.
    ///
    /// # Errors
    /// When the ledger refuses or is out of reach.
    pub async fn open(market: Market, fleet: &Fleet) -> anyhow::Result<Self> {
        let cashier = fleet.client(Role::Operator, CASHIER)?;
        let key = token::signing_key(&fleet.dir)?;
        let customers = market
            .people
            .iter()
            .map(|person| {
                // Nobody but customers acts, but a merchant could.
                let role = match person.kind {
                    contracts::event::WalletKind::Customer => Role::Customer,
                    contracts::event::WalletKind::Merchant => Role::Merchant,
                };
                Ok(cashier.with_token(Grant::owner(role, &person.owner).sign(&key)?))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let wallets = futures_util::stream::iter(&market.people)
            .map(|person| {
                let wallet = NewWallet {
                    owner: person.owner.clone(),
                    kind: person.kind,
                    reference: Some(person.owner.clone()),
                    metadata: BTreeMap::from([("name".to_owned(), person.name.clone())]),
                };
                let (cashier, key) = (&cashier, format!("{}-open", person.owner));
                async move {
                    cashier
                        .open_wallet(&key, &wallet)
                        .await
                        .map(|opened| opened.body.id)
                }
            })
            .buffered(WALLETS_AT_A_TIME)
            .try_collect()
            .await
            .context("could not open the wallets")?;
        Ok(Self {
            market,
            wallets,
            cashier,
            customers,
        })
    }

    /// Plays all lanes beside each other.
    ///
    /// # Errors
    /// When the ledger is out of reach; what it refuses is not an error.
    pub async fn play(self: &Arc<Self>, progress: &ProgressBar) -> anyhow::Result<Happened> {
        let mut lanes = JoinSet::new();
        for number in 0..self.market.lanes.len() {
            let (players, progress) = (self.clone(), progress.clone());
            lanes.spawn(async move { players.lane(number, &progress).await });
        }
        let mut all = Happened::default();
        while let Some(lane) = lanes.join_next().await {
            all.merge(lane.context("a lane failed")??)?;
        }
        Ok(all)
    }

    async fn lane(&self, number: usize, progress: &ProgressBar) -> anyhow::Result<Happened> {
        let mut happened = Happened::default();
        for step in &self.market.lanes[number] {
            let first = happened.settle(step, self.send(step).await)?;
            if step.is_repeated {
                happened.repeated += 1;
                let again = self.send(step).await;
                happened.compare_repeated(step, first.as_ref(), &again);
            }
            progress.inc(1);
        }
        Ok(happened)
    }

    async fn send(&self, step: &Step) -> Result<Written<Transaction>, ApiError> {
        let client = match step.by {
            By::Cashier => &self.cashier,
            By::Customer(person) => &self.customers[person],
        };
        let key = step.key.as_str();
        let movement = Movement::of(&step.amount, step.currency);
        match step.action {
            Action::Deposit { to } => client.deposit(key, self.wallets[to], &movement).await,
            Action::Withdraw { from } => client.withdraw(key, self.wallets[from], &movement).await,
            Action::Transfer { from, to } => {
                let to = match to {
                    Party::Person(to) => self.wallets[to],
                    Party::Nobody(wallet) => wallet,
                };
                client
                    .transfer(key, self.wallets[from], &movement.to(to))
                    .await
            }
            Action::Pay { from, merchant } => {
                let payment = NewPayment {
                    wallet: self.wallets[from],
                    merchant: self.wallets[merchant],
                    amount: movement.amount,
                    currency: movement.currency,
                    order_reference: format!("order-{key}"),
                    description: None,
                    reference: None,
                    effective_at: None,
                    metadata: BTreeMap::new(),
                };
                client.pay(key, &payment).await
            }
        }
    }
}

impl Happened {
    /// Writes an outcome down; the transaction when there is one.
    fn settle(
        &mut self,
        step: &Step,
        outcome: Result<Written<Transaction>, ApiError>,
    ) -> anyhow::Result<Option<Transaction>> {
        let kind = step.action.kind();
        match (outcome, step.expect) {
            (Err(error @ ApiError::OutOfReach { .. }), _) => Err(error.into()),
            (Ok(written), Expect::Posted(money)) => {
                self.replayed += u64::from(written.replayed);
                self.last_seq = self.last_seq.max(written.body.seq);
                self.count(kind, money)?;
                let amounts = || written.body.legs.iter().map(|leg| leg.amount.abs());
                if written.body.kind != kind || amounts().any(|amount| amount != money.amount()) {
                    self.differ(step, &format!("was posted as {:?}", written.body));
                }
                Ok(Some(written.body))
            }
            (Err(error), Expect::Refused(code)) if error.code() == Some(code) => {
                *self.refused.entry(code.to_owned()).or_default() += 1;
                Ok(None)
            }
            (Ok(written), Expect::Refused(code)) => {
                self.differ(
                    step,
                    &format!("was posted as {}, and not {code}", written.body.id),
                );
                Ok(None)
            }
            (Err(error), _) => {
                self.differ(step, &error.to_string());
                Ok(None)
            }
        }
    }

    /// The same key must bring the same answer.
    fn compare_repeated(
        &mut self,
        step: &Step,
        first: Option<&Transaction>,
        again: &Result<Written<Transaction>, ApiError>,
    ) {
        let is_same = match (again, step.expect) {
            (Ok(again), Expect::Posted(_)) => again.replayed && Some(&again.body) == first,
            (Err(error), Expect::Refused(code)) => error.code() == Some(code),
            _ => false,
        };
        if !is_same {
            self.differ(
                step,
                &format!("brought something else when repeated: {again:?}"),
            );
        }
    }

    fn count(&mut self, kind: Kind, money: Money) -> anyhow::Result<()> {
        let (count, sum) = self.posted.entry((kind, money.currency())).or_default();
        *count += 1;
        *sum = Some(match sum {
            Some(sum) => sum.checked_add(money)?,
            None => money,
        });
        Ok(())
    }

    fn differ(&mut self, step: &Step, how: &str) {
        let Step {
            key,
            amount,
            currency,
            ..
        } = step;
        let kind = step.action.kind().as_str();
        self.differences
            .push(format!("{kind} {key} of {amount} {currency} {how}"));
    }

    fn merge(&mut self, other: Self) -> anyhow::Result<()> {
        for ((kind, currency), (count, sum)) in other.posted {
            let (all, total) = self.posted.entry((kind, currency)).or_default();
            *all += count;
            *total = match (*total, sum) {
                (Some(one), Some(two)) => Some(one.checked_add(two)?),
                (one, two) => one.or(two),
            };
        }
        for (code, count) in other.refused {
            *self.refused.entry(code).or_default() += count;
        }
        self.repeated += other.repeated;
        self.replayed += other.replayed;
        self.last_seq = self.last_seq.max(other.last_seq);
        self.differences.extend(other.differences);
        Ok(())
    }
}

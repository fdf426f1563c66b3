use contracts::WalletId;

use super::*;

const PAYMENT: &str =
    include_str!("../../../../contracts/fixtures/florin.ledger.payment.posted.v1/001.json");
const DEPOSIT: &str =
    include_str!("../../../../contracts/fixtures/florin.ledger.deposit.posted.v1/001.json");

const EXCHANGE: &str =
    include_str!("../../../../contracts/fixtures/florin.ledger.exchange.posted.v1/001.json");

fn event(json: &str) -> LedgerEvent {
    LedgerEvent::decode(json.as_bytes()).expect("a fixture")
}

#[test]
fn a_payment_is_an_item_and_its_legs_add_up_to_nothing() {
    let payment = event(PAYMENT);
    let LedgerEvent::Posted(posted) = &payment else {
        panic!("a payment")
    };
    let mut sums = Sums::default();
    sums.add(&payment).expect("exact");
    sums.add(&event(DEPOSIT)).expect("exact");
    let [item] = sums.items() else {
        panic!("one item: {sums:?}")
    };
    let wallets: Vec<Option<WalletId>> = posted.legs.iter().map(|leg| leg.wallet).collect();
    assert!(wallets.contains(&Some(item.merchant)) && wallets.contains(&Some(item.customer)));
    assert_ne!(item.merchant, item.customer);
    assert!(!item.amount.is_negative() && item.order_reference == posted.order_reference);
    let main = sums
        .accounts()
        .find(|((account, _), _)| *account == Account::Main);
    let (_, parts) = main.expect("wallets were touched");
    assert!(parts[0].turnover > parts[0].amount.abs());
}

/// A batch is what customers paid: the house's fee is another sum.
#[test]
fn a_fee_does_not_change_the_item_and_is_in_the_sums() {
    const WITH_FEE: &str =
        include_str!("../../../../contracts/fixtures/florin.ledger.payment.posted.v1/003.json");
    let mut sums = Sums::default();
    sums.add(&event(WITH_FEE)).expect("exact");
    assert_eq!(sums.items()[0].amount.to_string(), "100.00");
    let revenue = sums
        .accounts()
        .find(|((account, _), _)| *account == Account::Revenue);
    let (_, parts) = revenue.expect("the house took something");
    assert_eq!(parts[0].amount.to_string(), "1.60");
}

#[test]
fn an_exchange_is_no_item_and_its_legs_add_up_to_nothing_in_each_currency() {
    let mut sums = Sums::default();
    sums.add(&event(EXCHANGE)).expect("exact");
    assert_eq!(sums.items(), []);
    let mut totals: BTreeMap<Currency, Decimal> = BTreeMap::new();
    for ((_, currency), parts) in sums.accounts() {
        let sum: Decimal = parts.iter().map(|part| part.amount).sum();
        *totals.entry(*currency).or_default() += sum;
    }
    assert!(totals.len() == 2 && totals.values().all(Decimal::is_zero));
}

/// Not to settle it would be to lose it: it is parked, and keeps cuts waiting.
#[test]
fn a_payment_without_two_sides_is_refused_and_not_passed_over() {
    let LedgerEvent::Posted(mut posted) = event(PAYMENT) else {
        panic!("a payment")
    };
    posted.legs.retain(|leg| leg.amount.is_sign_negative());
    let refused = Sums::default().add(&LedgerEvent::Posted(posted));
    assert_eq!(refused, Err(Unfit::OneSided));
}

/// Nine-digit amounts of a currency with 18 decimals leave room for 79 of them in 28 digits.
#[test]
fn a_sum_that_does_not_fit_goes_on_in_another_part() {
    let currency: Currency = "ETH".parse().expect("a currency");
    let most: Decimal = "1000000000".parse().expect("a number");
    let money = Money::exact(most, currency).expect("fits");
    let mut parts = Vec::new();
    for _ in 0..200 {
        add(&mut parts, money);
    }
    assert!(parts.len() > 1);
    let units: i128 = parts
        .iter()
        .map(|part| part.amount.mantissa() / most.mantissa() / 1_000_000_000_000_000_000)
        .sum();
    assert_eq!(units, 200);
    assert!(parts.iter().all(|part| part.amount == part.turnover));
}

//! `florin rates import` against a real ledger: small files, and the rates of twenty-seven years.

use std::collections::BTreeMap;

use contracts::rpc::WalletStats;
use florin::api_client::{Movement, NewExchange, NewQuote, NewWallet};
use florin::rates::{Report, feed, parse};
use florin::verify;
use indicatif::ProgressBar;
use rust_decimal::Decimal;

use crate::SOON;
use crate::ledger::Ledger;
use crate::replay::real_input;

async fn import(ledger: &Ledger, file: &str) -> Report {
    let history = parse(file.as_bytes()).expect("a good file");
    feed(&ledger.client, &history, &ProgressBar::hidden())
        .await
        .expect("fed")
}

/// The newest euro rates as of a day, as `USD 1.1684`.
async fn rates(ledger: &Ledger, at: &str) -> Vec<String> {
    let found = ledger.client.rates(&[("at", at)]).await.expect("rates");
    let items = found.items.iter();
    items
        .map(|rate| format!("{} {} {}", rate.quote, rate.rate, rate.as_of.date_naive()))
        .collect()
}

#[tokio::test]
async fn a_file_that_is_imported_again_sets_only_what_is_new_or_corrected() {
    let ledger = Ledger::start().await;
    let first = "Date,USD,JPY,ZZZ,\n2026-04-10,1.1711,N/A,5,\n2026-04-09,1.1,186.43,N/A,\n";
    let report = import(&ledger, first).await;
    assert_eq!(
        (report.days, report.rates, report.set, report.replayed),
        (2, 3, 2, 0)
    );
    assert_eq!(report.skipped, BTreeMap::from([("ZZZ".to_owned(), 1)]));
    // A gap is no rate: the day before still counts.
    let friday = ["JPY 186.43 2026-04-09", "USD 1.1711 2026-04-10"];
    assert_eq!(rates(&ledger, "2026-04-12").await, friday);

    let again = import(&ledger, first).await;
    assert_eq!((again.set, again.replayed), (0, 2));
    let more = "Date,USD,JPY,\n2026-04-13,1.1684,186.75,\n2026-04-10,1.1712,N/A,\n2026-04-09,1.1,186.43,\n";
    let more = import(&ledger, more).await;
    assert_eq!((more.set, more.replayed), (2, 1));
    let corrected = ["JPY 186.43 2026-04-09", "USD 1.1712 2026-04-10"];
    assert_eq!(rates(&ledger, "2026-04-12").await, corrected);
    let monday = ["JPY 186.75 2026-04-13", "USD 1.1684 2026-04-13"];
    assert_eq!(rates(&ledger, "2026-04-13").await, monday);
    let text = more.to_string();
    assert!(
        text.contains("Rates from 2026-04-09 to 2026-04-13"),
        "{text}"
    );
}

/// Exchanged money is neither deposited nor withdrawn, and the books prove clean.
#[tokio::test]
async fn an_exchange_leaves_statistics_alone_and_the_books_clean() {
    let ledger = Ledger::start().await;
    let today = service_runtime::Clock::system().now().date_naive();
    import(&ledger, &format!("Date,USD,JPY,\n{today},1.25,200,\n")).await;
    let client = &ledger.client;
    let wallet = NewWallet {
        owner: "ann".to_owned(),
        kind: contracts::event::WalletKind::Customer,
        reference: None,
        metadata: BTreeMap::new(),
    };
    let wallet = client
        .open_wallet("open", &wallet)
        .await
        .expect("opened")
        .body
        .id;
    let deposit = Movement::of("100.00", "USD");
    client
        .deposit("in", wallet, &deposit)
        .await
        .expect("deposited");
    let asked = NewQuote {
        wallet,
        from: "USD".to_owned(),
        to: "JPY".to_owned(),
        amount: "10.00".to_owned(),
    };
    let quote = client.quote("ask", &asked).await.expect("quoted").body;
    let order = NewExchange {
        wallet,
        quote: quote.id,
    };
    let done = client.exchange("do", &order).await.expect("exchanged").body;
    // 10 * 200 / 1.25 = 1600 yen, and half a percent of it is the house's.
    assert_eq!(quote.to_amount, Decimal::from(1_592));
    assert_eq!(done.legs.len(), 5);

    let proof = verify::check(&ledger.database.url()).await.expect("proven");
    assert!(proof.clean, "{proof}");
    let head = proof.head.unsigned_abs();
    let stats: WalletStats = testkit::eventually("the worker has counted", SOON, async || {
        let stats = client
            .stats(wallet)
            .await
            .map_err(|error| error.to_string())?;
        if stats.as_of_seq == head {
            Ok(stats)
        } else {
            Err(stats.as_of_seq.to_string())
        }
    })
    .await;
    let counted: Vec<_> = stats
        .balances
        .iter()
        .map(|one| {
            let moved = one.transferred_in.count + one.transferred_out.count + one.withdrawn.count;
            (one.currency.to_string(), one.deposited.count, moved)
        })
        .filter(|(_, deposits, others)| deposits + others > 0)
        .collect();
    assert_eq!(counted, [("USD".to_owned(), 1, 0)]);
}

/// The European Central Bank's rates since 1999. The expected numbers were counted from the file
/// with awk, by currency and in all, and the cross rates divided by bc.
#[tokio::test]
async fn the_central_banks_whole_history_is_imported_to_the_last_digit() {
    let Some(file) = real_input("ecb/eurofxref-hist.csv") else {
        return;
    };
    let ledger = Ledger::start().await;
    let history = parse(&file).expect("a good file");
    let report = feed(&ledger.client, &history, &ProgressBar::hidden())
        .await
        .expect("fed");
    assert_eq!(
        (report.days, report.set, report.replayed),
        (6_983, 6_983, 0)
    );
    counts_are_those_of_the_file(&ledger, &file, &report).await;
    for (day, from, to, mid) in [
        ("1999-01-04", "EUR", "USD", "1.1789"),
        ("2026-04-13", "EUR", "JPY", "186.75"),
        // 186.75 / 1.1684 and 1.1684 / 186.75
        ("2026-04-13", "USD", "JPY", "159.83396097226977"),
        ("2026-04-13", "JPY", "USD", "0.00625649263721552878"),
        // A Sunday: Friday's. 0.87105 / 1.1711
        ("2026-04-12", "USD", "GBP", "0.743787891725727948"),
    ] {
        let query = [("base", from), ("quote", to), ("at", day)];
        let found = ledger.client.rates(&query).await.expect("rates");
        let price = found.price.expect("a price");
        assert_eq!(price.mid_rate.to_string(), mid, "{day} {from}/{to}");
    }
    let again = feed(&ledger.client, &history, &ProgressBar::hidden())
        .await
        .expect("fed");
    assert_eq!((again.set, again.replayed), (0, 6_983));
    let proof = verify::check(&ledger.database.url()).await.expect("proven");
    assert!(proof.clean, "{proof}");
    assert_eq!(proof.head, 6_983, "an event for each day and no other");
}

/// By currency, how many rates there are and what they sum to: by Postgres from what was set, and
/// here from the text of the file, column by column.
async fn counts_are_those_of_the_file(ledger: &Ledger, file: &[u8], report: &Report) {
    let text = std::str::from_utf8(file).expect("UTF-8");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let mut expected: BTreeMap<String, (i64, Decimal)> = BTreeMap::new();
    for line in lines {
        for (code, value) in header.iter().zip(&line).skip(1) {
            if code.is_empty() || *value == "N/A" {
                continue;
            }
            let (count, sum) = expected.entry((*code).to_owned()).or_default();
            *count += 1;
            *sum += value.parse::<Decimal>().expect("a number");
        }
    }
    for (code, skipped) in &report.skipped {
        let (count, _) = expected.remove(code).expect("a column of the file");
        assert_eq!(usize::try_from(count).ok(), Some(*skipped), "{code}");
    }
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect(&ledger.database.url())
        .await
        .expect("a connection");
    let found: Vec<(String, i64, Decimal)> = sqlx::query_as(
        "SELECT quote, count(*), sum(rate) FROM ledger.rates WHERE base = 'EUR' GROUP BY quote",
    )
    .fetch_all(&mut owner)
    .await
    .expect("rates");
    let found: BTreeMap<_, _> = found
        .into_iter()
        .map(|(code, count, sum)| (code, (count, sum)))
        .collect();
    assert_eq!(found, expected);
}

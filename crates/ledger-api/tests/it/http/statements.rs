//! Statements: they add up, whatever the period, the time and the size of their parts.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::past::{Past, Told, decimal, query_time};
use crate::world::World;

/// All parts of a statement; each adds up, and opens where the one before closed.
async fn parts(world: &World, token: &str, path: &str, limit: usize) -> Vec<Value> {
    let mut parts: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{path}&limit={limit}{cursor}");
        let part = world.get(token, &path).await.ok(200);
        let lines = part["lines"].as_array().expect("lines");
        assert!(lines.len() <= limit, "{path}");
        let mut balance = decimal(&part["opening_balance"]);
        if let Some(before) = parts.last() {
            assert_eq!(before["closing_balance"], part["opening_balance"], "{path}");
        }
        for line in lines {
            balance += decimal(&line["amount"]);
            assert_eq!(decimal(&line["balance"]), balance, "{path}: {part}");
        }
        assert_eq!(decimal(&part["closing_balance"]), balance, "{path}: {part}");
        let next = part["next_cursor"].as_str().map(str::to_owned);
        parts.push(part);
        match next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return parts,
        }
    }
}

fn sum<'a>(legs: impl IntoIterator<Item = &'a Told>) -> Decimal {
    legs.into_iter().map(|leg| leg.amount).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_adds_up_and_is_whole_whatever_its_period_and_the_size_of_its_parts() {
    let mut past = Past::of(160, 11).await;
    let told = past.told().await;
    let wallet = past.wallets[0].clone();
    for round in 0..60 {
        let (one, other) = (past.moment(&told), past.moment(&told));
        let (from, to) = (one.min(other), one.max(other));
        let by = ["posted", "effective"][round % 2];
        let currency = ["EUR", "JPY", "BTC"][round % 3];
        let limit = [1, 2, 5, 1_000][round % 4];
        let path = format!(
            "/v1/wallets/{wallet}/statement?currency={currency}&by={by}&from={}&to={}",
            query_time(from),
            query_time(to)
        );
        let parts = parts(&past.world, &past.staff, &path, limit).await;
        let mut own: Vec<Told> = told.clone();
        own.retain(|leg| leg.wallet.to_string() == wallet && leg.currency == currency);
        own.sort_by_key(|leg| (leg.at(by), leg.version));
        let before = own.iter().filter(|leg| leg.at(by) < from);
        assert_eq!(decimal(&parts[0]["opening_balance"]), sum(before), "{path}");
        let until = own.iter().filter(|leg| leg.at(by) < to);
        let last = parts.last().expect("a part");
        assert_eq!(decimal(&last["closing_balance"]), sum(until), "{path}");
        let within = own.iter().filter(|leg| (from..to).contains(&leg.at(by)));
        let expected: Vec<&str> = within.map(|leg| leg.transaction.as_str()).collect();
        let lines: Vec<&str> = parts
            .iter()
            .flat_map(|part| part["lines"].as_array().expect("lines"))
            .map(|line| line["transaction"].as_str().expect("an id"))
            .collect();
        assert_eq!(lines, expected, "{path}");
    }
    past.world.close().await;
}

/// What is written between two parts, backdated to before both of them, is in neither.
#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_a_statement_fit_one_another_while_money_moves() {
    let mut past = Past::of(60, 3).await;
    let wallet = past.wallets[0].clone();
    for by in ["posted", "effective"] {
        let path = format!("/v1/wallets/{wallet}/statement?currency=EUR&by={by}&limit=3");
        let first = past.world.get(&past.staff, &path).await.ok(200);
        let whole = format!("/v1/wallets/{wallet}/statement?currency=EUR&by={by}");
        let before = past.world.get(&past.staff, &whole).await.ok(200);
        let mut lines = first["lines"].as_array().expect("lines").clone();
        let mut piece = first;
        while let Some(cursor) = piece["next_cursor"].as_str() {
            past.move_something().await;
            past.move_something().await;
            let next = format!("{path}&cursor={cursor}");
            let next = past.world.get(&past.staff, &next).await.ok(200);
            assert_eq!(next["opening_balance"], piece["closing_balance"], "{by}");
            lines.extend(next["lines"].as_array().expect("lines").iter().cloned());
            piece = next;
        }
        assert_eq!(json!(lines), before["lines"], "{by}");
        assert_eq!(piece["closing_balance"], before["closing_balance"], "{by}");
        assert_eq!(piece["as_of_version"], before["as_of_version"], "{by}");
    }
    past.world.close().await;
}

/// The records of a CSV text, read by hand: quotes, doubled quotes, CRLF.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {
                assert_eq!(chars.next(), Some('\n'), "lines end in CRLF");
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    assert!(
        record.is_empty() && field.is_empty(),
        "the last line ends too"
    );
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_as_csv_says_the_same_and_runs_nothing_in_a_spreadsheet() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let texts = ["=1+1", "@SUM(A1)", "+4", "a \"b\", c", "plain"];
    for text in texts {
        let body = json!({"amount": "1.00", "currency": "EUR", "reference": text,
                          "description": text});
        let path = format!("/v1/wallets/{wallet}/withdraw");
        world.write(&world.staff(), &path, &body).await.ok(201);
    }
    let ann = world.customer("ann");
    let path = format!("/v1/wallets/{wallet}/statement?currency=EUR");
    let json = world.get(&ann, &path).await.ok(200);
    let reply = world.get(&ann, &format!("{path}&format=csv")).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").starts_with("text/csv"));
    assert!(reply.header("content-disposition").contains(&wallet));
    let accepting = world.request(reqwest::Method::GET, &path).bearer_auth(&ann);
    let accepted = World::send(accepting.header("accept", "text/csv")).await;
    assert_eq!(accepted.text, reply.text);

    let records = records(&reply.text);
    assert!(
        records
            .iter()
            .all(|record| record.len() == records[0].len())
    );
    let column = |name: &str| records[0].iter().position(|n| n == name).expect("a column");
    let (amount, balance, reference) = (column("amount"), column("balance"), column("reference"));
    assert_eq!(records[1][0..2], ["opening", ""]);
    assert_eq!(records[1][balance], json["opening_balance"]);
    let lines = json["lines"].as_array().expect("lines");
    assert_eq!(records.len(), lines.len() + 3);
    for (record, line) in records[2..].iter().zip(lines) {
        assert_eq!(record[column("transaction")], line["transaction"]);
        assert_eq!(record[amount], line["amount"]);
        assert_eq!(record[balance], line["balance"]);
    }
    let shown: Vec<&str> = records[3..8]
        .iter()
        .map(|r| r[reference].as_str())
        .collect();
    assert_eq!(shown, ["'=1+1", "'@SUM(A1)", "'+4", "a \"b\", c", "plain"]);
    assert_eq!(records[8][balance], json["closing_balance"]);

    let part = world.get(&ann, &format!("{path}&format=csv&limit=2")).await;
    let next = format!(
        "{path}&limit=1&cursor={}",
        part.header("florin-next-cursor")
    );
    let next = world.get(&ann, &next).await.ok(200);
    assert_eq!(next["lines"][0], json["lines"][2]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_nothing_is_empty_and_a_bad_one_is_refused() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "1.00", "EUR").await;
    let ann = world.customer("ann");
    let path = |query: &str| format!("/v1/wallets/{wallet}/statement?{query}");
    let none = world.get(&ann, &path("currency=JPY")).await.ok(200);
    assert_eq!(none["lines"], json!([]));
    assert_eq!(
        (&none["opening_balance"], &none["closing_balance"]),
        (&json!("0"), &json!("0"))
    );
    for query in [
        "",
        "currency=EUR&from=x",
        "currency=EUR&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "currency=EUR&by=both",
        "currency=EUR&format=xls",
        "currency=EUR&limit=0",
        "currency=EUR&limit=1001",
        "currency=EUR&sort=amount",
    ] {
        world
            .get(&ann, &path(query))
            .await
            .refused(400, "invalid_query", query);
    }
    let reply = world.get(&ann, &path("currency=EUR&cursor=bm8")).await;
    reply.refused(400, "invalid_cursor", "a cursor of nobody's");
    let reply = world.get(&ann, &path("currency=eur")).await;
    reply.refused(422, "unknown_currency", "eur");
    let reply = world
        .get(&world.customer("eve"), &path("currency=EUR"))
        .await;
    reply.refused(404, "not_found", "another's wallet");
    world.close().await;
}

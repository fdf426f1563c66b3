//! The one table from routes to permissions.

use super::Permission;

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteRule {
    /// The HTTP method.
    pub method: &'static str,
    /// The path template, as the router has it.
    pub path: &'static str,
    /// Without it: 403.
    pub permission: Permission,
}

const fn on(method: &'static str, path: &'static str, permission: Permission) -> RouteRule {
    RouteRule {
        method,
        path,
        permission,
    }
}

/// Every route under `/v1`. A route that is missing here is refused to everybody.
pub const ROUTES: &[RouteRule] = &[
    on("POST", "/v1/wallets", Permission::WalletsCreate),
    on("GET", "/v1/wallets", Permission::WalletsRead),
    on("GET", "/v1/wallets/{id}", Permission::WalletsRead),
    on("POST", "/v1/wallets/{id}/deposit", Permission::MoneyDeposit),
    on(
        "POST",
        "/v1/wallets/{id}/withdraw",
        Permission::MoneyWithdraw,
    ),
    on(
        "POST",
        "/v1/wallets/{id}/transfer",
        Permission::MoneyTransfer,
    ),
    on("POST", "/v1/wallets/{id}/freeze", Permission::WalletsFreeze),
    on(
        "POST",
        "/v1/wallets/{id}/unfreeze",
        Permission::WalletsFreeze,
    ),
    on("POST", "/v1/wallets/{id}/block", Permission::WalletsBlock),
    on("POST", "/v1/wallets/{id}/unblock", Permission::WalletsBlock),
    on("POST", "/v1/wallets/{id}/close", Permission::WalletsClose),
    on(
        "POST",
        "/v1/wallets/{id}/credit-limit",
        Permission::WalletsCredit,
    ),
    on("GET", "/v1/wallets/{id}/history", Permission::WalletsRead),
    on("GET", "/v1/wallets/{id}/statement", Permission::WalletsRead),
    on("GET", "/v1/wallets/{id}/summary", Permission::WalletsRead),
    on("GET", "/v1/wallets/{id}/stats", Permission::StatsRead),
    on("POST", "/v1/wallets/{id}/adjust", Permission::MoneyAdjust),
    on("GET", "/v1/wallets/{id}/limits", Permission::AccountsRead),
    on("GET", "/v1/accounts/{owner}", Permission::AccountsRead),
    on(
        "GET",
        "/v1/accounts/{owner}/limits",
        Permission::AccountsRead,
    ),
    on(
        "POST",
        "/v1/accounts/{owner}/kyc-level",
        Permission::AccountsManage,
    ),
    on(
        "POST",
        "/v1/accounts/{owner}/risk-level",
        Permission::AccountsRisk,
    ),
    on(
        "POST",
        "/v1/accounts/{owner}/suspend",
        Permission::AccountsManage,
    ),
    on(
        "POST",
        "/v1/accounts/{owner}/resume",
        Permission::AccountsManage,
    ),
    on(
        "POST",
        "/v1/accounts/{owner}/close",
        Permission::AccountsManage,
    ),
    on(
        "POST",
        "/v1/accounts/{owner}/freeze",
        Permission::WalletsFreeze,
    ),
    on(
        "POST",
        "/v1/accounts/{owner}/unfreeze",
        Permission::WalletsFreeze,
    ),
    on(
        "GET",
        "/v1/accounts/{owner}/summary",
        Permission::WalletsRead,
    ),
    on("GET", "/v1/transactions", Permission::WalletsReadAny),
    on("GET", "/v1/transactions/{id}", Permission::WalletsRead),
    on("POST", "/v1/payments", Permission::MoneyPay),
    on(
        "POST",
        "/v1/payments/{id}/refunds",
        Permission::PaymentsRefund,
    ),
    on(
        "POST",
        "/v1/transactions/{id}/reverse",
        Permission::TransactionsReverse,
    ),
    on("POST", "/v1/fee-rules", Permission::FeesManage),
    on("GET", "/v1/fee-rules", Permission::FeesRead),
    on("GET", "/v1/fee-rules/{id}", Permission::FeesRead),
    on(
        "POST",
        "/v1/fee-rules/{id}/deactivate",
        Permission::FeesManage,
    ),
    on("POST", "/v1/holds", Permission::HoldsPlace),
    on("GET", "/v1/holds", Permission::WalletsRead),
    on("GET", "/v1/holds/{id}", Permission::WalletsRead),
    on("POST", "/v1/holds/{id}/capture", Permission::HoldsCapture),
    on("POST", "/v1/holds/{id}/void", Permission::HoldsVoid),
    on("POST", "/v1/batches", Permission::MoneyBatch),
    on("POST", "/v1/rates", Permission::RatesSet),
    on("GET", "/v1/rates", Permission::RatesRead),
    on("POST", "/v1/exchange/quotes", Permission::MoneyExchange),
    on("GET", "/v1/exchange/quotes/{id}", Permission::WalletsRead),
    on("POST", "/v1/exchange", Permission::MoneyExchange),
    on("GET", "/v1/alerts", Permission::AlertsRead),
    on("GET", "/v1/alerts/{id}", Permission::AlertsRead),
    on(
        "POST",
        "/v1/settlements/batches",
        Permission::SettlementsCut,
    ),
    on(
        "GET",
        "/v1/settlements/batches",
        Permission::SettlementsRead,
    ),
    on(
        "GET",
        "/v1/settlements/batches/{id}",
        Permission::SettlementsRead,
    ),
    on("GET", "/v1/settlements/breaks", Permission::SettlementsRead),
    on("GET", "/v1/audit", Permission::AuditRead),
    on("GET", "/v1/dead-letters", Permission::DeadLettersRead),
    on("GET", "/v1/dead-letters/{id}", Permission::DeadLettersRead),
    on(
        "POST",
        "/v1/dead-letters/{id}/replay",
        Permission::DeadLettersAct,
    ),
    on(
        "POST",
        "/v1/dead-letters/{id}/discard",
        Permission::DeadLettersAct,
    ),
];

/// The rule of a route. HEAD is GET without the body.
pub fn rule(method: &str, path: &str) -> Option<&'static RouteRule> {
    let method = if method == "HEAD" { "GET" } else { method };
    ROUTES
        .iter()
        .find(|rule| rule.method == method && rule.path == path)
}

//! The ledger as a process of its own.

fn main() -> std::process::ExitCode {
    service_runtime::boot("ledger-api", ledger_api::run)
}

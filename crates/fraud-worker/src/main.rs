//! The fraud worker as a process of its own.

fn main() -> std::process::ExitCode {
    service_runtime::boot("fraud-worker", fraud_worker::run)
}

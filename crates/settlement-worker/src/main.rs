//! The settlement worker as a process of its own.

fn main() -> std::process::ExitCode {
    service_runtime::boot("settlement-worker", settlement_worker::run)
}

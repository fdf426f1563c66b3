//! The statistics worker as a process of its own.

fn main() -> std::process::ExitCode {
    service_runtime::boot("analytics-worker", analytics_worker::run)
}

//! The `florin` command as the system tests run it: built with them, so that it is never stale.

fn main() -> std::process::ExitCode {
    florin::main()
}

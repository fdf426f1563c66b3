//! The `florin` command; see the library.

fn main() -> std::process::ExitCode {
    florin::main()
}

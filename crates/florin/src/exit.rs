//! Exit codes, the same for every command: 0 done, 1 the check found something (or the command
//! failed), 2 usage, 3 no fleet or a server out of reach.

use std::fmt::Write as _;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Done.
    Done,
    /// The check found something, or the command failed.
    Found,
    /// The command was not given what it needs.
    Usage,
    /// There is no fleet, or a server is out of reach.
    OutOfReach,
}

impl Code {
    /// The number that the shell sees.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Found => 1,
            Self::Usage => 2,
            Self::OutOfReach => 3,
        }
    }

    /// `Done` when a check found nothing, else `Found`.
    pub const fn of_check(is_clean: bool) -> Self {
        if is_clean { Self::Done } else { Self::Found }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}

/// An error that knows its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command was not given what it needs: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// There is no fleet, or a server is out of reach: exit code 3.
    #[error("{0}")]
    OutOfReach(String),
}

impl Failure {
    /// Exit code 2, with these words.
    pub fn usage(words: impl Into<String>) -> Self {
        Self::Usage(words.into())
    }

    /// Exit code 3, with these words.
    pub fn out_of_reach(words: impl Into<String>) -> Self {
        Self::OutOfReach(words.into())
    }
}

/// The exit code of an error: that of the first cause which knows one.
pub fn code_of(error: &anyhow::Error) -> Code {
    error.chain().find_map(known).unwrap_or(Code::Found)
}

fn known(cause: &(dyn std::error::Error + 'static)) -> Option<Code> {
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(match failure {
            Failure::Usage(_) => Code::Usage,
            Failure::OutOfReach(_) => Code::OutOfReach,
        });
    }
    let out_of_reach = match cause.downcast_ref::<sqlx::Error>() {
        Some(error) => matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut),
        None => {
            cause.is::<local_servers::ServerError>()
                || cause
                    .downcast_ref::<reqwest::Error>()
                    .is_some_and(|error| error.is_connect() || error.is_timeout())
        }
    };
    out_of_reach.then_some(Code::OutOfReach)
}

/// The error and its causes in one line; a cause that its error already quotes is left out.
pub fn text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if text.is_empty() {
            text = words;
        } else if !text.contains(&words) {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {words}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_code_is_found_below_any_context() {
        let deep = Err::<(), _>(Failure::out_of_reach("no fleet here"))
            .context("could not begin")
            .expect_err("an error");
        assert_eq!(code_of(&deep), Code::OutOfReach);
        assert_eq!(text(&deep), "could not begin: no fleet here");
        assert_eq!(code_of(&anyhow::anyhow!("other")), Code::Found);
    }
}

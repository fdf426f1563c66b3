//! A setting that must not show in logs, in `--help` or in `--print-config`.

use std::{convert::Infallible, fmt, str::FromStr};

/// A URL with a password. `Debug` and `Display` show it without the password and the query.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The whole URL, for whoever connects.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query may hold `password=` too, so nothing after the question mark is shown.
        let url = self
            .0
            .split_once('?')
            .map_or(self.0.as_str(), |(url, _)| url);
        let Some((scheme, rest)) = url.split_once("://") else {
            return f.write_str("***");
        };
        match rest.rsplit_once('@') {
            None => write!(f, "{scheme}://{rest}"),
            Some((credentials, host)) => match credentials.split_once(':') {
                None => write!(f, "{scheme}://{credentials}@{host}"),
                Some((user, _)) => write!(f, "{scheme}://{user}:***@{host}"),
            },
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_show() {
        for (url, shown) in [
            (
                "postgres://ann:s3cret@db:5432/florin",
                "postgres://ann:***@db:5432/florin",
            ),
            (
                "postgres://ann:p@ss:w@db/florin?password=x",
                "postgres://ann:***@db/florin",
            ),
            ("postgres://ann@db/florin", "postgres://ann@db/florin"),
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("password=s3cret host=db", "***"),
        ] {
            let secret = Secret::new(url);
            assert_eq!(secret.to_string(), shown);
            assert_eq!(format!("{secret:?}"), shown);
            assert_eq!(secret.expose(), url);
        }
    }
}

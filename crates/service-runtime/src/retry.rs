//! Delays between attempts: exponential, jittered, bounded. The only file that imports
//! `backoff`, which nobody maintains any more; replacing it is a change of this file alone.

use std::{future::Future, time::Duration};

use backoff::{ExponentialBackoff, ExponentialBackoffBuilder, backoff::Backoff};

/// How to wait between attempts.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The first delay, roughly: every delay is jittered by half.
    pub first: Duration,
    /// No delay grows beyond it.
    pub longest: Duration,
    /// No attempt begins after it; `None` tries for ever.
    pub give_up_after: Option<Duration>,
}

impl Policy {
    /// For a server that is away: quickly back when it restarts, no storm when it does not.
    pub const FOR_EVER: Self = Self {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(5),
        give_up_after: None,
    };

    /// For a start: the servers may come up at the same time, but a wrong address must show.
    pub const AT_START: Self = Self {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(2),
        give_up_after: Some(Duration::from_secs(30)),
    };

    /// The delays of one series of attempts.
    pub fn delays(&self) -> Delays {
        Delays(
            ExponentialBackoffBuilder::new()
                .with_initial_interval(self.first)
                .with_max_interval(self.longest)
                .with_max_elapsed_time(self.give_up_after)
                .with_multiplier(2.0)
                .build(),
        )
    }
}

/// The delays of one series of attempts.
#[derive(Debug)]
pub struct Delays(ExponentialBackoff);

impl Delays {
    /// How long to wait before the next attempt; `None` gives up.
    pub fn next_delay(&mut self) -> Option<Duration> {
        self.0.next_backoff()
    }

    /// Waits before the next attempt; false gives up.
    pub async fn wait(&mut self) -> bool {
        let Some(delay) = self.next_delay() else {
            return false;
        };
        tokio::time::sleep(delay).await;
        true
    }

    /// An attempt succeeded: the next failure begins with the first delay.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Tries `attempt` until it succeeds, fails with an error that `is_transient` denies, or the
/// policy gives up; then the last error is the answer.
///
/// # Errors
/// The last attempt's.
pub async fn retry<T, E, F, Fut>(
    policy: &Policy,
    is_transient: impl Fn(&E) -> bool,
    mut attempt: F,
) -> Result<T, E>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let mut delays = policy.delays();
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if !is_transient(&error) => return Err(error),
            Err(error) => {
                if !delays.wait().await {
                    return Err(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Policy = Policy {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(8),
        give_up_after: None,
    };

    #[test]
    fn delays_grow_to_the_longest_and_begin_again_after_a_success() {
        let mut delays = QUICK.delays();
        for _ in 0..20 {
            let delay = delays.next_delay().expect("never gives up");
            assert!(
                delay <= Duration::from_millis(13),
                "jitter is at most a half: {delay:?}"
            );
        }
        delays.reset();
        assert!(delays.next_delay().expect("a delay") <= Duration::from_millis(2));
    }

    #[tokio::test]
    async fn only_transient_errors_are_tried_again() {
        let mut attempts = 0;
        let outcome: Result<u32, &str> = retry(
            &QUICK,
            |error| *error == "transient",
            || {
                attempts += 1;
                let outcome = match attempts {
                    1 | 2 => Err("transient"),
                    _ => Err("fatal"),
                };
                async move { outcome }
            },
        )
        .await;
        assert_eq!((outcome, attempts), (Err("fatal"), 3));
    }

    #[tokio::test]
    async fn a_policy_with_an_end_gives_the_last_error() {
        let policy = Policy {
            give_up_after: Some(Duration::ZERO),
            ..QUICK
        };
        let outcome: Result<(), &str> = retry(&policy, |_| true, || async { Err("away") }).await;
        assert_eq!(outcome, Err("away"));
    }
}

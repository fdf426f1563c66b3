//! Request/reply over NATS: one service asks another, whichever replica answers.

use std::{future::Future, time::Duration};

use anyhow::Context;
use async_nats::{Client, Message, client::RequestErrorKind};
use bytes::Bytes;
use contracts::rpc::{Answer, RpcError};
use futures_util::StreamExt;
use metrics::counter;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Process, metrics::RPC_ANSWERED};

/// Requests of one subject that one process works on at a time: more would wait for a database
/// connection anyhow.
const CONCURRENT_MAX: usize = 16;

/// How a request ends, for the metric.
const OUTCOMES: [&str; 2] = ["ok", "error"];

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens, or nobody answered in time.
    #[error("no service answered on {0}")]
    NoAnswer(String),
    /// The service answered that it cannot or will not.
    #[error("the service refused")]
    Refused(#[source] RpcError),
    /// The request or the answer is not of the agreed shape.
    #[error("the request or the answer is malformed")]
    Malformed(#[source] serde_json::Error),
}

/// Answers requests on `subject` (with its prefix) until the process stops. Replicas that name
/// the same queue share the requests.
pub fn serve<Q, A, F, Fut>(
    process: &Process,
    client: Client,
    subject: String,
    queue: &str,
    answer: F,
) where
    Q: DeserializeOwned + Send + 'static,
    A: Serialize + Send + 'static,
    F: Fn(Q) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<A, RpcError>> + Send + 'static,
{
    for outcome in OUTCOMES {
        RPC_ANSWERED.show(&[("subject", &subject), ("outcome", outcome)]);
    }
    let (soft, queue) = (process.soft(), queue.to_owned());
    process.spawn("rpc", async move {
        let requests = client
            .queue_subscribe(subject.clone(), queue)
            .await
            .with_context(|| format!("could not subscribe to {subject}"))?;
        requests
            .take_until(soft.cancelled_owned())
            .for_each_concurrent(CONCURRENT_MAX, move |request| {
                // Made before the future, so that the future does not borrow `answer`.
                let prepared = serde_json::from_slice(&request.payload).map(&answer);
                reply(client.clone(), subject.clone(), request, prepared)
            })
            .await;
        Ok(())
    });
}

async fn reply<A: Serialize>(
    client: Client,
    subject: String,
    request: Message,
    prepared: Result<impl Future<Output = Result<A, RpcError>>, serde_json::Error>,
) {
    let outcome = match prepared {
        Ok(answer) => answer.await,
        Err(error) => Err(refusal("bad_request", error.to_string())),
    };
    let label = OUTCOMES[usize::from(outcome.is_err())];
    counter!(RPC_ANSWERED.name, "subject" => subject.clone(), "outcome" => label).increment(1);
    let Some(inbox) = request.reply else { return };
    let answer = match outcome {
        Ok(body) => Answer::Ok(body),
        Err(error) => Answer::Error(error),
    };
    let bytes = serde_json::to_vec(&answer).unwrap_or_else(|error| {
        // An answer that does not serialise is told as an error, which always does.
        let error = refusal("internal", error.to_string());
        serde_json::to_vec(&Answer::<()>::Error(error)).unwrap_or_default()
    });
    if let Err(error) = client.publish(inbox, Bytes::from(bytes)).await {
        tracing::warn!(
            subject,
            error = error.to_string(),
            "Could not send an answer"
        );
    }
}

fn refusal(code: &str, detail: String) -> RpcError {
    RpcError {
        code: code.to_owned(),
        detail,
    }
}

/// Asks on `subject` (with its prefix) and waits for the answer.
///
/// # Errors
/// See [`CallError`].
pub async fn call<Q: Serialize, A: DeserializeOwned>(
    client: &Client,
    subject: String,
    request: &Q,
    timeout: Duration,
) -> Result<A, CallError> {
    let payload = serde_json::to_vec(request).map_err(CallError::Malformed)?;
    // The client has a timeout of its own, which is shorter than some answers take.
    let request = async_nats::Request::new()
        .payload(Bytes::from(payload))
        .timeout(Some(timeout));
    let request = client.send_request(subject.clone(), request);
    // While the connection is down a request waits in the client, hence a timeout around all.
    let message = match tokio::time::timeout(timeout, request).await {
        Ok(Ok(message)) => message,
        Ok(Err(error)) => {
            let expected = matches!(
                error.kind(),
                RequestErrorKind::NoResponders | RequestErrorKind::TimedOut
            );
            if !expected {
                tracing::warn!(subject, error = error.to_string(), "A request failed");
            }
            return Err(CallError::NoAnswer(subject));
        }
        Err(_) => return Err(CallError::NoAnswer(subject)),
    };
    match serde_json::from_slice(&message.payload).map_err(CallError::Malformed)? {
        Answer::Ok(body) => Ok(body),
        Answer::Error(error) => Err(CallError::Refused(error)),
    }
}

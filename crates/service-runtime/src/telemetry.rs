//! Logs: one JSON object per line on stdout, with `timestamp`, `level`, `service`, `target`,
//! `message`, `fields` and, inside spans, `spans`. What is logged on behalf of a request or an
//! event also has `request_id` and `trace_id`, where they are known.

use std::{fmt, fmt::Write as _, future::Future};

use serde_json::{Map, Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{JsonFields, Writer},
    },
    registry::LookupSpan,
};

use crate::Clock;

/// What a piece of work belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// The HTTP request.
    pub request_id: Option<String>,
    /// The W3C trace, from the caller of the ledger to the workers.
    pub trace_id: Option<String>,
}

tokio::task_local! {
    static TRAIL: Trail;
}

/// Does the work; every line that it logs names what it belongs to. Unlike a span it costs
/// nothing when nothing is logged, and ten thousand requests a second mostly log nothing.
pub async fn within<F: Future>(trail: Trail, work: F) -> F::Output {
    TRAIL.scope(trail, work).await
}

/// Sends logs to stdout from now on. Does nothing when something else already receives them,
/// as in tests.
pub fn start(service: &'static str, filter: &str) {
    let subscriber = tracing_subscriber::fmt()
        .fmt_fields(JsonFields::new())
        .event_format(Line {
            service,
            clock: Clock::system(),
        })
        .with_env_filter(env_filter(filter))
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("Logs already go elsewhere");
    }
}

fn env_filter(filter: &str) -> EnvFilter {
    // The default gives way to RUST_LOG, which Rust's users expect to work.
    if filter == "info"
        && let Ok(from_environment) = EnvFilter::try_from_default_env()
    {
        return from_environment;
    }
    EnvFilter::new(filter)
}

struct Line {
    service: &'static str,
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let mut line = json!({
            "timestamp": self.clock.now(),
            "level": metadata.level().as_str(),
            "service": self.service,
            "target": metadata.target(),
            "message": fields.message,
            "fields": fields.others,
        });
        // Outside any work there is none.
        let trail = TRAIL.try_with(Trail::clone).unwrap_or_default();
        let ids = [
            ("request_id", trail.request_id),
            ("trace_id", trail.trace_id),
        ];
        for (name, id) in ids {
            if let Some(id) = id {
                line[name] = id.into();
            }
        }
        let spans: Vec<Value> = context
            .event_scope()
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
            .map(|span| {
                let extensions = span.extensions();
                let formatted = extensions.get::<FormattedFields<N>>();
                let fields = formatted.and_then(|text| serde_json::from_str(text).ok());
                json!({ "name": span.name(), "fields": fields.unwrap_or(Value::Null) })
            })
            .collect();
        if !spans.is_empty() {
            line["spans"] = Value::Array(spans);
        }
        writeln!(writer, "{line}")
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a String cannot fail.
            let _ = write!(self.message, "{value:?}");
        } else {
            self.put(field, format!("{value:?}").into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value.into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

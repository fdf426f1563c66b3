//! What the worker does about events.

mod raise_alerts;

pub use raise_alerts::RaiseAlerts;

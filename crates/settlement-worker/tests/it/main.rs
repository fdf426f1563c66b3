//! Settlement as it is run.

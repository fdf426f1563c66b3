//! The contracts as other teams see them: schemas, fixtures.

mod fixtures;
mod schemas;

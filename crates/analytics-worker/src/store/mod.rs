//! All SQL of the worker, one file per noun.

pub mod activity;
pub mod stats;
pub mod tallies;

//! What the worker does about events.

mod count_movements;

pub use count_movements::CountMovements;

//! Settlement on a real database: cuts at any moment, by several closers, and the schedule.

mod cuts;
mod oracle;
mod schedule;
mod tie_out;
mod world;

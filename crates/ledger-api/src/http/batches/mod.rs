//! Many operations in one request.

pub mod create;
<<<<<<< HEAD
pub mod document;
=======
mod kinds;
>>>>>>> wiring
mod operation;
mod rehearsed;
mod view;

//! The access log: lines of JSON, lines like HAProxy's, or entries of the journal; nothing a client sends can forge one.
//!
//! A worker gathers [`Lines`] in buffers of its own and hands them over whole to the [`AccessLog`]; one thread writes (`writer`). When that
//! thread falls behind, lines are dropped and counted: a slow disk must not slow a visitor. What went wrong is kept besides, in memory
//! (`kept`) and on disk (`kept_file`), so that a request that failed can be found by its id. Must never: make a worker wait, or allocate
//! for a request.

mod field;
mod handle;
mod journal;
mod kept;
mod kept_file;
mod line;
mod lines;
mod pace;
mod sink;
mod style;
mod text;
mod writer;

pub use field::Field;
pub use handle::AccessLog;
pub use kept::Found;
pub use line::Record;
pub use lines::Lines;

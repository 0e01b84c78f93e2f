//! Whether a target is up: the rise/fall automaton (pure), the probes, and the checker that schedules them.
//!
//! Shared by both daemons. Owns every probe that leaves the machine. Must never: route, answer, or ask what a target is
//! used for. Probes alone move the automaton (DESIGN 6); live traffic may only bring the next probe forward.

pub mod automaton;
pub mod checker;
pub mod http_status;
pub mod probe;
pub mod saved;
pub mod target;
pub mod timetable;

pub use checker::Checker;
pub use target::{HealthView, Target, TargetHealth, Verdict};

//! Whether a target is up: the rise/fall automaton (pure), the probes, and the checker that schedules them.
//!
//! Shared by both daemons, with the clients for one HTTP status and one DNS query, which a push and the demo use too. Must
//! never: route, answer, or ask what a target is used for. Probes alone move the automaton: live traffic may only bring
//! the next probe forward, so that one client's bad requests take no backend out.

pub mod automaton;
pub mod checker;
pub mod dns_query;
pub mod http2_status;
pub mod http_status;
pub mod probe;
pub mod proof;
pub mod saved;
pub mod target;
pub mod timetable;
pub mod view;

pub use checker::Checker;
pub use proof::Proof;
pub use target::{Before, Target, TargetHealth, Targets, Verdict};
pub use view::HealthView;

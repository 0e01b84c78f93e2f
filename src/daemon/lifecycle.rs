//! The life of a daemon: start, reload, takeover, stop; once, for both.
//!
//! A daemon's control thread is a [`Shell`] around a pure state. The state (`proxy::control`, `dns::control`) takes events and
//! the time and gives effects; the shell owns the clock, the sockets, the checker, the state files and the exchange with
//! peers, and performs the effects. What the shell needs to know of one kind of daemon stands in its [`Daemon`]; whatever
//! the two have in common is decided here and nowhere else:
//!
//! - [`phase`]: what a daemon is doing, and what it refuses meanwhile (pure);
//! - [`policy`]: what a reload does with a changed key: in place, by a takeover, or refused (pure);
//! - [`operator_file`]: when `operator.json` is written, and what the operator is told if it cannot be (pure);
//! - [`persistence`]: whether what a command changed is on disk, which its answer waits for;
//! - [`event_loop`]: what happens, one thing after the other, and how it all ends;
//! - [`reload`]: read, check, probe, bind, put in force; or nothing has changed;
//! - [`handover`]: the old side of a takeover, and starting the successor; [`succession`]: the new side;
//! - [`descriptors`]: what the files that a process may have open are for (pure);
//! - [`state_files`], [`exchange`], [`control_sockets`]: the handles that the loop holds;
//! - [`start`]: from the arguments to the exit code.
//!
//! Must never: know what a service or a zone is.

pub mod control_sockets;
pub mod daemon;
pub mod descriptors;
pub mod document_file;
pub mod error;
pub mod event_loop;
pub mod exchange;
pub mod handover;
pub mod input;
pub mod operator;
pub mod operator_file;
pub mod persistence;
pub mod phase;
pub mod policy;
pub mod question;
pub mod reload;
pub mod shell;
pub mod start;
pub mod state_files;
pub mod succession;

pub use control_sockets::ControlSockets;
pub use daemon::{Daemon, Document, Effect, Event, Figures, InputsOf, LastReload, Settings};
pub use error::{DocumentError, RunError};
pub use exchange::Exchange;
pub use input::{Input, Inputs};
pub use operator_file::{Change, OperatorFile};
pub use persistence::{Obeyed, Persistence};
pub use phase::Phase;
pub use shell::{Parts, Shell};
pub use start::{Start, run};
pub use state_files::StateFiles;

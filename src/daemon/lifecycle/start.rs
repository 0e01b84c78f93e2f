//! From the arguments to the exit code.
//!
//! `--check-config` runs the very code that a start and a reload run: it reads the document and what it names, no keys and no
//! sockets; `--live` adds those, and tries whether the state directory takes a file.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::LocalSet;

use super::super::args::DaemonArgs;
use super::super::history::History;
use super::super::signals::Signals;
use super::super::startup::{open_files, raise_open_files};
use super::super::{VERSION, fd_store, logs, notify, sockets, state_dir};
use super::daemon::{Daemon, Document};
use super::error::{DocumentError, RunError};
use super::shell::Shell;
use crate::config::Findings;
use crate::log_line::{Kind, LogLine};

/// How long the disk may take for the last events.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// The inputs of a daemon's start.
pub struct Start<P> {
    /// The arguments of the process.
    pub args: DaemonArgs,
    /// Its document.
    pub document: Arc<P>,
    /// Descriptors that the service manager passed.
    pub passed: Vec<OwnedFd>,
    /// What happens here from its beginning on.
    pub history: History,
}

/// The whole daemon: reads the document, starts, serves until it is told to stop or has handed over, and gives the exit code (0 done, 1
/// the document is not valid, 3 could not run).
pub fn run<D: Daemon>(
    args: DaemonArgs,
    start: impl AsyncFnOnce(Start<D::Document>) -> Result<Shell<D>, RunError>,
) -> ExitCode {
    let ended = if args.check_config { check::<D::Document>(&args) } else { serve(args, start) };
    let Err(error) = ended else { return ExitCode::SUCCESS };
    // Nothing is left to be done if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{error}");
    ExitCode::from(error.exit_code())
}

/// Reads a document and the keys it names, and fits it to the descriptors that this process may have.
///
/// # Errors
///
/// What is wrong with it.
pub fn read<P: Document>(file: &Path) -> Result<P, DocumentError> {
    prepare(P::parse(file))
}

/// The same for a reload, beside the document that is in force.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read_again<P: Document>(file: &Path, in_force: &P) -> Result<P, DocumentError> {
    prepare(P::parse_again(file, in_force))
}

fn prepare<P: Document>(parsed: Result<P::Parsed, Findings>) -> Result<P, DocumentError> {
    let parsed = parsed.map_err(DocumentError::Findings)?;
    let (mut document, missed) = P::with_keys(parsed).map_err(DocumentError::Keys)?;
    let fitted = document.fit(open_files()).map_err(DocumentError::Descriptors)?;
    // Not before all that can fail has succeeded: who is told that the rest goes on must not find it ended.
    missed.iter().for_each(|why| tracing::error!("{why}"));
    if let Some(note) = fitted {
        // What the document asks for and cannot have is refused; this is what it left to the machine.
        tracing::info!("{note}");
    }
    Ok(document)
}

/// The document that a process begins with. A successor takes over from one that serves, and so reads as a reload does: it is all good,
/// or the other goes on.
fn read_first<P: Document>(args: &DaemonArgs) -> Result<P, DocumentError> {
    if args.takeover {
        return read(&args.config);
    }
    prepare(P::parse_at_start(&args.config))
}

fn check<P: Document>(args: &DaemonArgs) -> Result<(), RunError> {
    let parsed = P::parse(&args.config).map_err(DocumentError::Findings)?;
    for warning in P::warnings(&parsed) {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
    let words = format!("{}: valid, {}", args.config.display(), P::in_words(&parsed));
    if args.live {
        let settings = P::settings_of(&parsed);
        let mut listing = P::listens_on(&parsed);
        listing.tcp.extend(settings.admin.address);
        listing.tcp.extend(settings.peers.map(|peers| peers.listen));
        let mut wrong = sockets::try_all(&settings.admin.socket, &listing);
        wrong.extend(state_dir::try_writing(settings.state_dir).err().map(|error| error.to_string()));
        match P::with_keys(parsed) {
            Ok((mut document, _)) => wrong.extend(document.fit(open_files()).err().map(|error| error.to_string())),
            Err(errors) => wrong.extend(errors.iter().map(ToString::to_string)),
        }
        if !wrong.is_empty() {
            return Err(RunError::Live(wrong));
        }
    }
    // Nothing is left to be done if standard output is closed.
    let _ = writeln!(std::io::stdout(), "{words}");
    Ok(())
}

fn serve<D: Daemon>(
    args: DaemonArgs,
    start: impl AsyncFnOnce(Start<D::Document>) -> Result<Shell<D>, RunError>,
) -> Result<(), RunError> {
    let history = History::default();
    logs::init_keeping(&history);
    // Before any other file is opened: descriptors passed in are numbers until somebody owns them.
    let passed = fd_store::receive();
    raise_open_files();
    let document = Arc::new(read_first::<D::Document>(&args)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(RunError::io("the control thread's runtime cannot be started"))?;
    let kept = history.clone();
    let served = LocalSet::new().block_on(&runtime, async move {
        let mut signals = Signals::install().map_err(RunError::io("signals cannot be received"))?;
        LogLine::info(Kind::Daemon, format!("{} {VERSION}, {}: starting", D::PROGRAM, document.settings().name))
            .write();
        // What cannot be written is an alarm from the first write on; this says what to do about all of it.
        if let Err(why) = state_dir::look(document.settings().state_dir) {
            tracing::error!("{why}; until then no failover and no word of an operator outlives this process");
        }
        let started = tokio::select! {
            biased;
            () = signals.told_to_stop() => None,
            started = start(Start { args, document, passed, history: kept }) => Some(started?),
        };
        match started {
            Some(shell) => shell.run(signals).await,
            None => {
                LogLine::info(Kind::Daemon, "told to stop before it was ready").write();
                notify::stopping("told to stop before it was ready");
            }
        }
        Ok(())
    });
    // A probe or a disk that does not answer must not delay the exit.
    runtime.shutdown_background();
    history.close(LAST_EVENTS);
    served
}

//! The operator's verbs, one file each, over the admin API's client.
//!
//! Owns the command line of `polder` and everything it prints. Must never: change a daemon in any way but through its
//! admin API. Called by `src/bin/polder.rs` alone.

pub mod check;
pub mod daemons;
pub mod demo;
pub mod drill;
pub mod explain;
pub mod failback;
pub mod failover;
pub mod generate;
pub mod operator;
pub mod output;
pub mod reload;
pub mod serial;
pub mod status;
pub mod tell;
pub mod visit;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::daemon::operator::OperatorState;
use crate::demo::backend::BackendArgs;
use output::Output;

/// What every verb ends with (DESIGN 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or the answer is yes.
    Done = 0,
    /// The answer is no: refused, not well, a promise broken.
    No = 1,
    /// The command line makes no sense (clap uses the same).
    Usage = 2,
    /// It could not run.
    CouldNot = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Keeps websites reachable while machines and operators fail.
///
/// The verbs speak to the daemons over their admin sockets: those of the running `polder demo`, or those of this
/// host, or those that --socket names.
#[derive(Debug, Parser)]
#[command(name = "polder", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    /// What every verb takes.
    pub common: Common,
    #[command(subcommand)]
    /// What to do.
    pub verb: Verb,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 the answer is no (refused, not well, a promise broken), 2 usage, 3 could not run.
Try `polder drill` (about a minute, nothing installed), then `polder demo` and, from another terminal, `polder status`.";

/// What every verb takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Print JSON for machines instead of tables for people
    #[arg(long, global = true)]
    pub json: bool,
    /// A daemon's admin socket, instead of looking for the demo's or this host's (may be repeated)
    #[arg(long = "socket", value_name = "PATH", global = true, env = "POLDER_SOCKETS", value_delimiter = ':')]
    pub sockets: Vec<PathBuf>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a whole fleet on loopback, to look at and to break
    Demo(demo::DemoArgs),
    /// Break every part of a whole fleet under visitor load and judge every promise
    Drill(drill::DrillArgs),
    /// A verb that speaks to daemons
    #[command(flatten)]
    Ask(Ask),
    /// Check a fleet before it is deployed: stage it, evaluate it, validate every document and what must hold across hosts
    Check(check::CheckArgs),
    /// Raise the serial of a zone in its file, and change nothing else
    Serial(serial::SerialArgs),
    /// Print man pages or shell completions
    Generate(generate::GenerateArgs),
    /// One webserver of the demo fleet
    #[command(hide = true)]
    Backend(BackendArgs),
    /// The drill's visitors and its judge, for a fleet that is not the demo's
    #[command(hide = true)]
    Visit(visit::VisitArgs),
}

/// The verbs that speak to daemons.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// Show daemons, services, latches, pools and alarms; exit 1 if anything is not well
    Status,
    /// Take a backend or pool member out gently: no new visitors, those who belong to it stay
    Drain(operator::SayArgs),
    /// Give a backend or pool member back: wanted again
    Ready(operator::SayArgs),
    /// Take a backend or pool member out at once: nobody is sent there
    Maint(operator::SayArgs),
    /// Move a stateful service from its active backend to a backup
    Failover(failover::FailoverArgs),
    /// Move a stateful service back to its primary
    Failback(failback::FailbackArgs),
    /// Tell where a visitor of a URL would end up, and why
    Explain(explain::ExplainArgs),
    /// Let daemons read their documents again; a bad document changes nothing and its findings are shown
    Reload(reload::ReloadArgs),
}

/// Does what the command line says.
pub fn run(cli: Cli) -> ExitCode {
    let output = Output::new(cli.common.json);
    match cli.verb {
        Verb::Demo(args) => demo::run(args, &cli.common),
        Verb::Drill(args) => drill::run(args, &cli.common),
        Verb::Backend(args) => crate::demo::backend::run(args),
        Verb::Visit(args) => visit::run(&args),
        Verb::Generate(args) => generate::run(&args).into(),
        Verb::Check(args) => check::run(&args, &output).into(),
        Verb::Serial(args) => serial::run(&args, &output).into(),
        Verb::Ask(ask) => on_daemons(ask, &cli.common, &output).into(),
    }
}

fn on_daemons(ask: Ask, common: &Common, output: &Output) -> Exit {
    let daemons = match daemons::find(&common.sockets) {
        Ok(daemons) => daemons,
        Err(message) => return output.could_not(&message),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.could_not(&format!("the runtime did not start: {error}")),
    };
    runtime.block_on(async {
        match ask {
            Ask::Status => status::run(&daemons, output).await,
            Ask::Drain(args) => operator::run(OperatorState::Drain, &args, &daemons, output).await,
            Ask::Ready(args) => operator::run(OperatorState::Ready, &args, &daemons, output).await,
            Ask::Maint(args) => operator::run(OperatorState::Maint, &args, &daemons, output).await,
            Ask::Failover(args) => failover::run(&args, &daemons, output).await,
            Ask::Failback(args) => failback::run(&args, &daemons, output).await,
            Ask::Explain(args) => explain::run(&args, &daemons, output).await,
            Ask::Reload(args) => reload::run(&args, &daemons, output).await,
        }
    })
}

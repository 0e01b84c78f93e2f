//! The operator's verbs, one file each, over the admin API's client.
//!
//! Owns the command line of `polder` and everything it prints. Must never: change a daemon in any way but through its
//! admin API. Called by `src/bin/polder.rs` alone.

pub mod activate;
pub mod agreement;
pub mod args;
pub mod beforehand;
pub mod bootstrap;
pub mod caller;
pub mod check;
pub mod command;
pub mod complete;
pub mod daemons;
pub mod demo;
pub mod demo_file;
pub mod dnssec;
pub mod dnstap;
pub mod drill;
pub mod endpoint;
pub mod events;
pub mod exit;
pub mod explain;
pub mod failback;
pub mod failover;
pub mod fleet_args;
pub mod forget;
pub mod gate;
pub mod generate;
pub mod help;
pub mod host_gate;
pub mod import;
pub mod keys;
pub mod layout;
mod ledger_text;
pub mod lock;
pub mod log;
pub mod mistakes;
pub mod named;
pub mod operator;
pub mod output;
mod past;
pub mod plan;
pub mod push;
pub mod reach;
pub mod reconcile;
pub mod rehearse;
pub mod reload;
pub mod replies;
pub mod rollback;
pub mod serial;
mod signed_zones;
pub mod status;
pub mod subjects;
pub mod terminal;
pub mod times;
pub mod top;
pub mod visit;
pub mod wait;
mod waiting;
pub mod why;
pub mod zone;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::api::operator::OperatorState;
use crate::daemon::launch::{self, LaunchArgs};
use crate::demo::backend::BackendArgs;
use crate::push::error::Error;
use args::{Common, DaemonsArg, FleetArg};
use daemons::{Finder, Hosts};
use exit::Exit;
use operator::StateArgs;
use output::Output;

/// Keeps websites reachable while machines and operators fail.
///
/// The verbs speak to the daemons over their admin sockets: those that --socket names, or on an admin machine those of the
/// whole fleet, or those of this host, or, on a machine that is of no fleet, those of the running `polder demo`.
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

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 the answer is no (refused, not well, a promise broken),
2 usage, 3 could not run, 4 --wait ran out of time, 130 --wait ended by Ctrl-C.

New here? `polder drill` (nothing is installed), then `polder demo` and, from
another terminal, `polder status`.";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a whole fleet on loopback, to look at and to break
    Demo(demo::DemoArgs),
    /// Break every part of a fleet under load, judge every promise
    Drill(drill::DrillArgs),
    /// A verb that speaks to daemons
    #[command(flatten)]
    Ask(Ask),
    /// Find all that is wrong with a fleet before it is deployed
    ///
    /// It is staged and evaluated, every document is validated, and so is what must hold across hosts.
    Check(check::CheckArgs),
    /// Show what a push would change in behaviour; change nothing
    Plan(plan::PlanArgs),
    /// Bring every host to what the working copy says
    ///
    /// One after the other, each rehearsed, proved from outside and confirmed; it stops when one gets worse.
    Push(push::PushArgs),
    /// Take hosts back to what ran before
    ///
    /// By their ledgers; rehearsed, proved and confirmed like a push.
    Rollback(rollback::RollbackArgs),
    /// Raise the serial of a zone in its file, and change nothing else
    Serial(serial::SerialArgs),
    /// Check, compare and print zones in files
    ///
    /// As a nameserver reads them. Nothing is changed.
    Zone {
        #[command(subcommand)]
        /// What to do with it.
        verb: zone::ZoneVerb,
    },
    /// Look at, make and roll over the keys of signed zones
    ///
    /// And tell the parent of them.
    Dnssec {
        #[command(subcommand)]
        /// What to do with them.
        verb: dnssec::DnssecVerb,
    },
    /// Keep others from pushing; show who does; break a lock
    ///
    /// A lock is broken if its holder is gone.
    Lock(lock::LockArgs),
    /// Give back the lock that you took by hand
    Unlock(FleetArg),
    /// Show what was pushed to the hosts, by whom, with what result
    Log(log::LogArgs),
    /// Show, make and rotate keys: those hosts share, and your own
    Keys(keys::KeysArgs),
    /// Look after the members of etcd by which proxies agree
    ///
    /// How they are; one joins, is replaced or leaves; all are restored. It runs on a member or on a proxy.
    Agreement(agreement::AgreementArgs),
    /// Install a host's first system over ssh as root
    ///
    /// From then on it is pushed to.
    Bootstrap(bootstrap::BootstrapArgs),
    /// Commit what was deployed while the svn server did not answer
    Reconcile(reconcile::ReconcileArgs),
    /// Turn a configuration of HAProxy or Caddy into a document
    ///
    /// What is not in it is told by line.
    Import {
        #[command(subcommand)]
        /// What to import.
        program: import::ImportVerb,
    },
    /// Print man pages or shell completions
    Generate(generate::GenerateArgs),
    /// The names that a shell may put where the cursor is
    #[command(hide = true)]
    Complete(complete::CompleteArgs),
    /// A host's end of a push
    #[command(hide = true)]
    Gate(gate::GateArgs),
    /// The supervisor of a system on trial
    #[command(hide = true)]
    Activate(activate::ActivateArgs),
    /// A system's daemons with their new documents, beside the running ones
    #[command(hide = true)]
    Rehearse(rehearse::RehearseArgs),
    /// The step between this command and a daemon that it starts
    #[command(hide = true)]
    Launch(LaunchArgs),
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
    /// Show how the fleet is, what is not well first; then exit 1
    Status(status::StatusArgs),
    /// Take a backend or proxy out gently: it gets no new visitors
    #[command(after_help = operator::DRAIN_HELP)]
    Drain(operator::StateArgs),
    /// Put a backend or proxy back into service
    #[command(after_help = operator::READY_HELP)]
    Ready(operator::TargetArgs),
    /// Take a backend or proxy out at once: nobody is sent there
    #[command(after_help = operator::MAINT_HELP)]
    Maint(operator::StateArgs),
    /// Move a stateful service from its active backend to a backup
    Failover(failover::FailoverArgs),
    /// Move a stateful service back to its primary
    Failback(failback::FailbackArgs),
    /// Drop what somebody set who should not have
    ///
    /// An operator state, or where the latch of a service is.
    Forget(forget::ForgetArgs),
    /// Send queries and responses of a nameserver to its receiver, or not
    ///
    /// To the socket that its document names (dnstap), at once and without a restart.
    Dnstap(dnstap::DnstapArgs),
    /// Show where a visitor of a URL would end up, and why
    Explain(explain::ExplainArgs),
    /// Show what happened in the fleet, in order of time
    ///
    /// Checks, latches, operators, reloads, peers, certificates.
    Events(events::EventsArgs),
    /// Show what became of one request, by the id its visitor saw
    ///
    /// Of one that failed, was slow or was refused; and what happened around it.
    Why(why::WhyArgs),
    /// Show requests, errors and times of each service, live
    ///
    /// And the queries of each zone.
    Top(top::TopArgs),
    /// Have daemons read their documents again
    ///
    /// A bad document changes nothing, and its findings are shown.
    Reload(reload::ReloadArgs),
}

impl Ask {
    fn daemons(&self) -> &DaemonsArg {
        match self {
            Ask::Status(args) => &args.daemons,
            Ask::Drain(StateArgs { target, .. }) | Ask::Maint(StateArgs { target, .. }) | Ask::Ready(target) => {
                &target.daemons
            }
            Ask::Failover(args) => &args.daemons,
            Ask::Failback(args) => &args.daemons,
            Ask::Forget(args) => &args.daemons,
            Ask::Dnstap(args) => &args.daemons,
            Ask::Explain(args) => &args.daemons,
            Ask::Events(args) => &args.daemons,
            Ask::Why(args) => &args.daemons,
            Ask::Top(args) => &args.daemons,
            Ask::Reload(args) => &args.daemons,
        }
    }
}

/// The whole command line, as `--help` shows it.
pub fn command() -> clap::Command {
    let command = help::with_examples(help::plain(Cli::command()), "");
    // clap breaks words where a terminal is narrower; the terminal itself does no worse.
    if layout::width() < NARROWEST_HELP { command.term_width(NARROWEST_HELP) } else { command }
}

/// How many columns help has at least.
const NARROWEST_HELP: usize = 80;

/// Reads the command line; what is wrong with it is said, and ends the program.
pub fn parse() -> Cli {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut command = command();
    let parsed = command.try_get_matches_from_mut(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| mistakes::tell(error, &command, &arguments))
}

/// Does what the command line says.
pub fn run(cli: Cli) -> ExitCode {
    let output = Output::new(cli.common.json);
    let ended = match cli.verb {
        Verb::Demo(args) => Ok(demo::run(args, &output)),
        Verb::Drill(args) => Ok(drill::run(args, &output)),
        Verb::Backend(args) => return crate::demo::backend::run(args),
        Verb::Visit(args) => Ok(visit::run(&args)),
        Verb::Generate(args) => generate::run(&args, help::plain(Cli::command())),
        Verb::Complete(args) => Ok(complete::run(&args, &Cli::command())),
        Verb::Import { program } => import::run(&program, &output),
        Verb::Gate(args) => gate::run(&args),
        Verb::Activate(args) => activate::run(&args),
        Verb::Rehearse(args) => rehearse::run(&args, &output),
        Verb::Launch(args) => return launch::run(args),
        Verb::Check(args) => check::run(&args, &output),
        Verb::Plan(args) => plan::run(&args, &output),
        Verb::Push(args) => Ok(push::run(&args, &output)),
        Verb::Rollback(args) => rollback::run(&args, &output),
        Verb::Serial(args) => serial::run(&args, &output),
        Verb::Zone { verb } => zone::run(&verb, &output),
        Verb::Dnssec { verb } => dnssec::run(&verb, &output),
        Verb::Lock(args) => lock::run(&args, &output),
        Verb::Unlock(fleet) => lock::unlock(&fleet, &output),
        Verb::Log(args) => log::run(&args, &output),
        Verb::Keys(args) => keys::run(&args, &output),
        Verb::Agreement(args) => agreement::run(&args, &output),
        Verb::Bootstrap(args) => bootstrap::run(&args, &output),
        Verb::Reconcile(args) => reconcile::run(&args, &output),
        Verb::Ask(ask) => on_daemons(ask, &output),
    };
    let exit = ended.unwrap_or_else(|why| output.could_not(&why));
    if output::is_lost() { Exit::CouldNot.into() } else { exit.into() }
}

fn on_daemons(ask: Ask, output: &Output) -> Result<Exit, Error> {
    let hosts = match ask {
        Ask::Status(_) => Hosts::All,
        Ask::Top(_) => Hosts::None,
        _ => Hosts::WithDaemons,
    };
    let named = match ask.daemons().clone().or_environment() {
        Ok(named) => named,
        Err(why) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let mut finder = Finder::new(&named, hosts);
    let selection = finder.find()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("the runtime did not start: {error}")))?;
    let daemons = &selection.daemons[..];
    Ok(runtime.block_on(async {
        match ask {
            Ask::Status(args) => status::run(&args, &selection, || finder.find(), output).await,
            Ask::Drain(args) => operator::run(OperatorState::Drain, &args, daemons, output).await,
            Ask::Ready(args) => operator::run(OperatorState::Ready, &args.into(), daemons, output).await,
            Ask::Maint(args) => operator::run(OperatorState::Maint, &args, daemons, output).await,
            Ask::Failover(args) => failover::run(&args, daemons, output).await,
            Ask::Failback(args) => failback::run(&args, daemons, output).await,
            Ask::Forget(args) => forget::run(&args, daemons, output).await,
            Ask::Dnstap(args) => dnstap::run(&args, daemons, output).await,
            Ask::Explain(args) => explain::run(&args, daemons, output).await,
            Ask::Events(args) => events::run(&args, daemons, output).await,
            Ask::Why(args) => why::run(&args, daemons, output).await,
            Ask::Top(args) => top::run(&args, &selection, output).await,
            Ask::Reload(args) => reload::run(&args, daemons, output).await,
        }
    }))
}

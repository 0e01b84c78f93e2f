//! `agreement`: how the members of etcd stand, and the steps by which one joins, is replaced or leaves, and all are restored.
//!
//! They run where the certificate of the agreement is: on a member or on a proxy, as root. Whatever changes the cluster is decided by
//! `etcd::membership`, and done by etcd.

mod change;
mod cluster;
mod document;
mod members;
mod restore;
mod snapshot;
mod tools;

use clap::Subcommand;

use super::exit::Exit;
use super::output::Output;
use crate::push::error::Error;
use document::FileArg;

/// The arguments of `agreement`.
#[derive(Debug, Clone, clap::Args)]
pub struct AgreementArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: AgreementVerb,
}

/// What to do with members of etcd.
#[derive(Debug, Clone, Subcommand)]
pub enum AgreementVerb {
    /// Ask each member how it is; exit 1 if any is not well
    Members(FileArg),
    /// Take a member in: without a vote first, with one as soon as it has caught up
    #[command(after_help = change::AFTER_HELP)]
    Join(change::JoinArgs),
    /// Give a member that has lost its data its place back, or its place to another one
    #[command(after_help = change::AFTER_HELP)]
    Replace(change::ReplaceArgs),
    /// Take a member out for good
    #[command(after_help = change::AFTER_HELP)]
    Remove(change::RemoveArgs),
    /// Save what etcd has into a file, and check it
    Snapshot(snapshot::SnapshotArgs),
    /// Restore this host's member from a snapshot, where the majority is lost
    #[command(after_help = restore::AFTER_HELP)]
    Restore(restore::RestoreArgs),
}

/// Runs `agreement`.
///
/// # Errors
///
/// It could not run.
pub fn run(args: &AgreementArgs, output: &Output) -> Result<Exit, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("the runtime did not start: {error}")))?;
    runtime.block_on(async {
        match &args.verb {
            AgreementVerb::Members(file) => members::run(&file.read()?, output).await,
            AgreementVerb::Join(args) => change::join(args, output).await,
            AgreementVerb::Replace(args) => change::replace(args, output).await,
            AgreementVerb::Remove(args) => change::remove(args, output).await,
            AgreementVerb::Snapshot(args) => snapshot::run(args, output).await,
            AgreementVerb::Restore(args) => restore::run(args, output).await,
        }
    })
}

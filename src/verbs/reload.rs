//! `reload`: lets daemons read their documents again, and shows the verdict of each.

use super::args::FleetArg;
use super::endpoint::Located;
use super::exit::Exit;
use super::output::{Output, complain};
use super::replies::ask_all;
use super::tell::{Telling, report, tell_all};
use crate::daemon::reload::LONGEST;

/// What `reload` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct ReloadArgs {
    /// These daemons only; without a name, every one
    #[arg(value_name = "DAEMON")]
    pub names: Vec<String>,
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

/// Tells them. A daemon whose program was replaced by another build hands over to it, which may take a while.
pub async fn run(args: &ReloadArgs, daemons: &[Located], output: &Output) -> Exit {
    let mut asked = ask_all(daemons).await;
    let unknown = args.names.iter().find(|name| asked.iter().all(|one| one.name() != **name));
    if let Some(unknown) = unknown {
        let known: Vec<String> = asked.iter().map(super::replies::Asked::name).collect();
        complain(&format!("no daemon is named {unknown}; there are {}", known.join(", ")));
        return Exit::No;
    }
    asked.retain(|one| args.names.is_empty() || args.names.contains(&one.name()));
    let tellings = asked.iter().map(|one| Telling {
        to: one.located.clone(),
        name: one.name(),
        subject: "document".to_owned(),
        path: "/reload",
        body: serde_json::json!({}),
        limit: LONGEST,
    });
    let told = tell_all(tellings.collect()).await;
    report(&told, output, "")
}

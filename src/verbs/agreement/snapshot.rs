//! `agreement snapshot`: saves what etcd has, and checks what was saved.

use std::path::PathBuf;

use serde_json::json;

use super::cluster::look_at_all;
use super::document::FileArg;
use super::tools;
use crate::push::error::Error;
use crate::verbs::exit::Exit;
use crate::verbs::output::{Output, printable};

/// What `agreement snapshot` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct SnapshotArgs {
    /// The file to make; one that exists is left alone
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: PathBuf,
    #[command(flatten)]
    /// Where the members are named.
    pub file: FileArg,
}

pub(super) async fn run(args: &SnapshotArgs, output: &Output) -> Result<Exit, Error> {
    let config = args.file.read()?;
    let place = args.snapshot.display();
    if args.snapshot.exists() {
        return Ok(output.refuse(&Error::at(place, "it exists already").remedy("name a new file"), Exit::No));
    }
    let asked = look_at_all(&config).await;
    let answers = asked.iter().filter(|one| one.silent.is_none()).filter_map(|one| Some((one, one.answer.as_ref()?)));
    let Some((best, answer)) = answers.max_by_key(|(_, answer)| answer.applied) else {
        let why = asked.iter().find_map(|one| Some(format!("{}: {}", one.endpoint, one.silent.as_ref()?.1)));
        return Err(Error::new(format!("no member of etcd answers: {}", why.unwrap_or_default()))
            .remedy("on NixOS each member keeps one of each hour in /var/lib/polder-agreement"));
    };
    tools::save(&best.endpoint, config.tls.as_ref(), &args.snapshot)?;
    let facts = tools::look_at(&args.snapshot)?;
    // One that has lost the others has what was agreed upon until then.
    let note = if answer.leader == 0 { "; it hears no leader: others may have more" } else { "" };
    let words = format!("{}: {}, from {}{note}\n", printable(&place.to_string()), facts.in_words(), best.endpoint);
    let json = json!({ "snapshot": args.snapshot, "hash": facts.hash, "revision": facts.revision, "from": best.endpoint, "has_leader": answer.leader != 0 });
    output.answer(&json, &words);
    Ok(Exit::Done)
}

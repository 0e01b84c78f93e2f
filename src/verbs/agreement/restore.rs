//! `agreement restore`: makes this host's member anew from a snapshot, where the majority of the members is lost.
//!
//! Must never: overwrite data, or bring a restored member beside one that runs with what it had.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::cluster::look_at_all;
use super::document::FileArg;
use super::tools::{self, Identity, SnapshotFacts};
use crate::config::membership::{HereConfig, MembershipConfig};
use crate::counted::listed;
use crate::etcd::cluster;
use crate::push::error::Error;
use crate::unix_time::{formatted, unix_ms};
use crate::verbs::exit::Exit;
use crate::verbs::output::Output;

pub(super) const AFTER_HELP: &str = "\
Where a majority still answers, nothing has to be restored: `polder agreement
replace` gives the others their places back. Otherwise stop etcd on every member,
run this on each with the same snapshot, and only then start them all.

What was agreed upon after the snapshot comes back from the proxies: each knows
the epochs of the latches that it has served, an epoch only grows, and what is
missing in etcd or older there is written again. The restored members are another
cluster, named after the snapshot: by that a proxy sees that others may serve what
it cannot read there, and waits for the time of a lease before it serves a service
that stops without agreement, or moves any; and a member restored from another
snapshot is not let in. The same snapshot restored once more is the same cluster:
then start etcd no sooner than a lease (5s) after the last member was stopped.";

/// What `agreement restore` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct RestoreArgs {
    /// The snapshot; the same file on every member
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: PathBuf,
    /// Keep what the data folder has as `member.before-TIME`, instead of refusing
    #[arg(long)]
    pub set_aside: bool,
    /// Check everything, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    /// Where the members are named.
    pub file: FileArg,
}

/// Where it goes.
struct Folders {
    data: PathBuf,
    /// What etcd uses of it.
    member: PathBuf,
    /// What is being made.
    making: PathBuf,
    /// What was there.
    aside: PathBuf,
}

impl Folders {
    fn of(here: &HereConfig) -> Folders {
        let data = here.data_dir.clone();
        Folders {
            member: data.join("member"),
            making: data.join("restoring"),
            aside: data.join(format!("member.before-{}", formatted(unix_ms(), "%Y%m%dT%H%M%SZ"))),
            data,
        }
    }
}

pub(super) async fn run(args: &RestoreArgs, output: &Output) -> Result<Exit, Error> {
    let config = args.file.read()?;
    let Some(here) = &config.here else {
        let why = Error::at(
            args.file.document.display(),
            "this host keeps no member of etcd: \"name\" and \"data_dir\" are missing",
        )
        .remedy(format!("run it on {}", listed(config.members.keys())));
        return Ok(output.refuse(&why, Exit::No));
    };
    let facts = tools::look_at(&args.snapshot)?;
    let folders = Folders::of(here);
    if let Err(why) = vet(&config, &folders, args.set_aside).await {
        return Ok(output.refuse(&why, Exit::No));
    }
    let others: Vec<&String> = config.members.keys().filter(|name| **name != here.name).collect();
    let next = match others.is_empty() {
        true => "next: start it (`systemctl start etcd`)".to_owned(),
        false => format!(
            "next: the same on {}, with a file of the same hash; when all are restored, start them all (`systemctl start etcd`), then \
             `polder agreement members`",
            listed(&others)
        ),
    };
    if !args.dry_run {
        let token = token(&config.token, &facts);
        restore(&args.snapshot, &config, &token, here, &folders)?;
    }
    let would = if args.dry_run { "would be " } else { "" };
    let words = format!(
        "{}: {}\n{} {would}restored in {}\n{}\n",
        args.snapshot.display(),
        facts.in_words(),
        here.name,
        folders.member.display(),
        if args.dry_run { "Nothing has changed: this was a question." } else { &next },
    );
    let json = json!({
        "member": here.name, "hash": facts.hash, "revision": facts.revision, "folder": folders.member, "done": !args.dry_run,
    });
    output.answer(&json, &words);
    Ok(Exit::Done)
}

/// Whether nothing is lost by it.
async fn vet(config: &MembershipConfig, folders: &Folders, sets_aside: bool) -> Result<(), Error> {
    let cluster = cluster(&look_at_all(config).await);
    if let Some(leader) = cluster.leader() {
        return Err(Error::new(format!("etcd is there: {} leads it", leader.label()))
            .remedy("nothing has to be restored; a member that has lost its data gets its place back by `polder agreement replace NAME`"));
    }
    let running: Vec<&str> = cluster
        .members
        .iter()
        .filter(|member| member.report.is_some())
        .filter_map(|member| config.members.iter().find(|(_, one)| member.endpoint.as_ref() == Some(&one.client)))
        .map(|(name, _)| name.as_str())
        .collect();
    if !running.is_empty() {
        return Err(Error::new(format!("etcd runs on {}", listed(&running))).remedy(
            "stop it there first (`systemctl stop etcd`): no member may run with what it had beside restored ones",
        ));
    }
    let there = folders.data.display();
    match fs::metadata(&folders.data) {
        Ok(data) if data.is_dir() => {}
        Ok(_) => return Err(Error::at(there, "expected the folder of etcd's data, found something else")),
        Err(error) => {
            return Err(Error::at(there, format!("cannot be read: {error}"))
                .remedy("it is `data_dir` of the document; run this as root"));
        }
    }
    if folders.member.exists() && !sets_aside {
        return Err(Error::at(folders.member.display(), "there are data already").remedy(
            "if they are good, start etcd with them; if this member has been restored already, go on with the others; --set-aside keeps \
             them beside what is restored",
        ));
    }
    Ok(())
}

/// The token by which the restored cluster is another one than before, and the same on each member: etcd makes the cluster's number of it
/// (`etcdctl snapshot restore --initial-cluster-token`).
fn token(before: &str, SnapshotFacts { hash, revision, .. }: &SnapshotFacts) -> String {
    format!("{before}-restored-{hash:08x}-{revision}")
}

/// Makes the member beside what is there, and then puts it in its place.
fn restore(
    snapshot: &Path,
    config: &MembershipConfig,
    token: &str,
    here: &HereConfig,
    folders: &Folders,
) -> Result<(), Error> {
    let at = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| Error::at(path, error)
    };
    // Of a run that was interrupted.
    match fs::remove_dir_all(&folders.making) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&folders.making)(error)),
        _ => {}
    }
    let all: Vec<String> = config.members.iter().map(|(name, member)| format!("{name}={}", member.peer)).collect();
    let peer = config.members.get(&here.name).map(|member| member.peer.as_str()).unwrap_or_default();
    let identity = Identity { name: &here.name, peer, all: &all.join(","), token };
    tools::restore(snapshot, &folders.making, &identity)?;
    let owner = fs::metadata(&folders.data).map_err(at(&folders.data))?;
    give(&folders.making, owner.uid(), owner.gid())?;
    if folders.member.exists() {
        fs::rename(&folders.member, &folders.aside).map_err(at(&folders.aside))?;
    }
    fs::rename(folders.making.join("member"), &folders.member).map_err(at(&folders.member))?;
    fs::remove_dir_all(&folders.making).map_err(at(&folders.making))?;
    let folder = fs::File::open(&folders.data).map_err(at(&folders.data))?;
    folder.sync_all().map_err(at(&folders.data))
}

/// Gives a folder and all in it to whoever has the folder of the data.
fn give(path: &Path, user: u32, group: u32) -> Result<(), Error> {
    let at = |error: io::Error| Error::at(path.display(), error);
    lchown(path, Some(user), Some(group)).map_err(at)?;
    if fs::symlink_metadata(path).map_err(at)?.is_dir() {
        for entry in fs::read_dir(path).map_err(at)? {
            give(&entry.map_err(at)?.path(), user, group)?;
        }
    }
    Ok(())
}

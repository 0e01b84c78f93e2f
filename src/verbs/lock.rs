//! `lock` and `unlock`: take the fleet lock by hand to keep others from pushing, and break one whose holder is gone.

use std::time::Duration;

use serde::Serialize;

use super::args::{FleetArg, parse_limit};
use super::caller::who;
use super::exit::Exit;
use super::output::{Output, Table, Tone, cell, complain, toned};
use super::reach::{Reach, Reports};
use super::times::span;
use crate::counted::counted;
use crate::push::admin::known_fleet;
use crate::push::error::Error;
use crate::push::fleet_lock::{HeldLock, LockError, ManualLock, give_back};
use crate::push::host::lock::Lock;
use crate::push::protocol::{Answer, Instruction};
use crate::push::remote::gates::instruct_all;
use crate::push::remote::no_answer::unexpected;
use crate::unix_time::unix_ms;

/// The arguments of `lock`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "The holder of the lock can still push; everybody else is refused and told who holds it.\n\
    Exit codes: 0 done, 1 somebody else holds it or a host was not reached, 2 usage, 3 could not run.")]
pub struct LockArgs {
    /// Why it is taken, shown to everybody who is refused
    #[arg(long, value_name = "TEXT", default_value = "taken by hand", conflicts_with_all = ["show", "break_it"])]
    pub reason: String,
    /// How long it lasts before it expires: `30m`, `2h`
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_limit, allow_hyphen_values = true, default_value = "1h", conflicts_with_all = ["show", "break_it"])]
    pub lasting: Duration,
    /// Leave out a dead host (may be repeated)
    #[arg(long, value_name = "HOST")]
    pub skip: Vec<String>,
    /// Show who holds it, and do not take it
    #[arg(long, conflicts_with_all = ["break_it", "skip"])]
    pub show: bool,
    /// Break it: a push by its holder stops, and anybody can take it; every host's ledger records who broke it and why
    #[arg(long = "break", requires = "why")]
    pub break_it: bool,
    /// Why it is broken, for the ledgers
    #[arg(long, value_name = "TEXT", requires = "break_it")]
    pub why: Option<String>,
    #[command(flatten)]
    /// Which fleet.
    pub fleet: FleetArg,
}

/// Runs `lock`: takes, shows or breaks it.
pub fn run(args: &LockArgs, output: &Output) -> Result<Exit, Error> {
    let reach = Reach::new(&args.fleet)?;
    let hosts = reach.hosts(&args.skip)?;
    match &args.why {
        Some(why) => Ok(break_it(why, &reach, &hosts, output)),
        None if args.show => Ok(show(&reach.reports(&hosts), output)),
        None => take(args, &reach, &hosts, output),
    }
}

fn take(args: &LockArgs, reach: &Reach, hosts: &[String], output: &Output) -> Result<Exit, Error> {
    let seconds = args.lasting.as_secs().max(1);
    let until = unix_ms() + seconds * 1000;
    let (holder, admin) = (who(), &reach.admin);
    let own = ManualLock::read(admin).filter(|kept| kept.lock.holder == holder && kept.until > unix_ms());
    let token = own.map(|kept| kept.lock.token).unwrap_or_default();
    let lock = Lock { token, ..Lock::wanted(holder, &admin.location, args.reason.clone()) };
    let held = match HeldLock::take(&reach.remotes, hosts, lock.clone(), seconds) {
        Ok(held) => held,
        Err(refusal) => return Ok(refused(&refusal, output)),
    };
    let kept = ManualLock { lock: Lock { token: held.token().to_owned(), ..lock }, hosts: hosts.to_vec(), until };
    if let Err(error) = kept.write(admin) {
        // Dropping it releases it. Without the saved token nobody could release it later.
        drop(held);
        return Err(Error::new(format!("the lock's token cannot be saved, so the lock was released: {error}")));
    }
    held.keep();
    let text = format!(
        "locked {} for {}; you can still push, and `polder unlock` releases it\n",
        counted(hosts.len(), "host"),
        span(seconds)
    );
    output.answer(&serde_json::json!({ "locked": hosts, "until": until }), &text);
    Ok(Exit::Done)
}

/// Prints why the lock was not taken.
pub fn refused(refusal: &LockError, output: &Output) -> Exit {
    let why = refusal.to_string();
    complain(&why);
    output.answer(&serde_json::json!({ "error": why }), "");
    match refusal {
        LockError::Locked { .. } => Exit::No,
        LockError::Failed { .. } => Exit::CouldNot,
    }
}

/// A host's lock.
#[derive(Debug, Serialize)]
struct Shown {
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<Lock>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn show(reports: &Reports, output: &Output) -> Exit {
    let shown: Vec<Shown> = reports
        .iter()
        .map(|(host, report)| {
            let lock = report.as_ref().ok().and_then(|report| Some((report.lock.clone()?, report.clock_ms)));
            Shown {
                host: host.clone(),
                left: lock.as_ref().map(|(lock, clock)| lock.expires.saturating_sub(*clock) / 1000),
                holder: lock.map(|(lock, _)| lock),
                error: report.as_ref().err().map(Error::to_string),
            }
        })
        .collect();
    output.answer(&shown, &table(&shown));
    if shown.iter().all(|one| one.error.is_some()) { Exit::CouldNot } else { Exit::Done }
}

fn table(shown: &[Shown]) -> String {
    let mut table = Table::new(&["HOST", "HELD BY", "FOR", "LEFT"]);
    for one in shown {
        table.row(match (&one.holder, &one.error) {
            (Some(lock), _) => vec![
                cell(&one.host),
                toned(format!("{} ({})", lock.holder, lock.location), Tone::Notable),
                cell(&lock.reason),
                cell(one.left.map_or_else(String::new, span)),
            ],
            (None, Some(why)) => vec![cell(&one.host), toned(format!("not reached: {why}"), Tone::Bad)],
            (None, None) => vec![cell(&one.host), toned("nobody", Tone::Good)],
        });
    }
    table.render()
}

fn break_it(why: &str, reach: &Reach, hosts: &[String], output: &Output) -> Exit {
    let instruction = Instruction::BreakLock { who: who(), why: why.to_owned() };
    let answers = instruct_all(&*reach.remotes, hosts, &instruction, Duration::from_secs(10));
    let missed = hosts.iter().zip(answers).filter(|(_, answer)| !matches!(answer, Ok(Answer::Done)));
    let missed: Vec<(String, Error)> = missed.map(|(host, answer)| (host.clone(), unexpected(answer))).collect();
    let done = hosts.len() - missed.len();
    report(&format!("broken on {}; their ledgers record that you did it\n", counted(done, "host")), &missed, output)
}

/// Runs `unlock`: releases the lock that was taken by hand on this admin machine.
pub fn unlock(fleet: &FleetArg, output: &Output) -> Result<Exit, Error> {
    let admin = known_fleet::this_admin()?;
    let Some(kept) = ManualLock::read(&admin) else {
        output.answer(&serde_json::json!({ "unlocked": [] }), "no lock was taken by hand on this machine\n");
        return Ok(Exit::Done);
    };
    let holder = who();
    if kept.lock.holder != holder && kept.until > unix_ms() {
        complain(&format!(
            "the lock is held by {}, and you are {holder}; if its holder is gone, break it with `polder lock --break --why TEXT`",
            kept.lock.in_words()
        ));
        return Ok(Exit::No);
    }
    let reach = Reach::of(admin, fleet)?;
    let missed = give_back(&*reach.remotes, &kept.hosts, &kept.lock.token);
    if missed.is_empty() {
        ManualLock::forget(&reach.admin)?;
    }
    Ok(report(&format!("released on {}\n", counted(kept.hosts.len() - missed.len(), "host")), &missed, output))
}

fn report(text: &str, missed: &[(String, Error)], output: &Output) -> Exit {
    output.answer(&serde_json::json!({ "missed": missed }), text);
    for (host, why) in missed {
        complain(&format!("{host}: {why}"));
    }
    if missed.is_empty() { Exit::Done } else { Exit::No }
}

#[cfg(test)]
mod tests;

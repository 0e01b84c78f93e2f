//! Takes all hosts to certificates of one authority: first all trust it, then each gets its certificate.
//!
//! [`next`] decides from what the hosts have (pure), so what was interrupted is simply started again. Hosts are changed one by one: a
//! member of etcd reads its authorities when it starts, and never two of them may be down. Called by `polder keys agreement`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::authority::{Authority, RENEWED_BEFORE};
use super::files;
use crate::push::error::Error;
use crate::push::protocol::agreement::{AgreementChange, AgreementFiles};
use crate::push::protocol::{Answer, Instruction, Question};
use crate::push::remote::gates::{Gates, ask_all};
use crate::push::remote::no_answer::unexpected;

/// How long a host may take to change a file, restart its member and reload its daemons.
const LIMIT: Duration = Duration::from_secs(60);

/// How long a host may take to say what it has.
const LOOK: Duration = Duration::from_secs(10);

/// What each host has.
pub type Held = BTreeMap<String, AgreementFiles>;

/// The hosts that need certificates, and the addresses at which they are reached.
pub type Wanted = BTreeMap<String, Vec<IpAddr>>;

/// The hosts on which something failed, and why.
pub type Failed = Vec<(String, Error)>;

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Have these hosts trust the authority.
    Trust(Vec<String>),
    /// All hosts trust it: give these their certificates.
    Issue(Vec<String>),
    /// All hosts have what they need.
    Done,
}

/// Decides the next step. `now` is in seconds since the epoch.
pub fn next(held: &Held, wanted: &Wanted, authority: &str, now: u64) -> Step {
    let have = |host: &String| held.get(host).cloned().unwrap_or_default();
    let distrusting: Vec<String> = wanted.keys().filter(|host| !have(host).trusts(authority)).cloned().collect();
    if !distrusting.is_empty() {
        return Step::Trust(distrusting);
    }
    let is_well = |(host, addresses): &(&String, &Vec<IpAddr>)| {
        have(host).certificate.is_some_and(|one| {
            one.authority == authority
                && one.names == files::names_for(host, addresses)
                && one.ends >= now.saturating_add(RENEWED_BEFORE)
        })
    };
    let without: Vec<String> = wanted.iter().filter(|one| !is_well(one)).map(|(host, _)| host.clone()).collect();
    if without.is_empty() { Step::Done } else { Step::Issue(without) }
}

/// The authority of all certificates, if it is the same for all hosts, and all trust it.
pub fn common_authority(held: &Held) -> Option<&str> {
    let mut authorities = held.values().map(|files| files.certificate.as_ref().map(|one| one.authority.as_str()));
    let first = authorities.next()??;
    let is_common = authorities.all(|one| one == Some(first)) && held.values().all(|files| files.trusts(first));
    is_common.then_some(first)
}

/// What each host has, or why it did not answer.
pub fn look_at_each<G: Gates + ?Sized>(gates: &G, hosts: &[String]) -> Vec<(String, Result<AgreementFiles, Error>)> {
    let answers = ask_all(gates, hosts, &Question::Agreement, LOOK).into_iter().map(|answer| match answer {
        Ok(Answer::Agreement(files)) => Ok(files),
        other => Err(unexpected(other)),
    });
    hosts.iter().cloned().zip(answers).collect()
}

/// What all hosts have.
///
/// # Errors
///
/// The hosts that did not answer, and why.
pub fn look<G: Gates + ?Sized>(gates: &G, hosts: &[String]) -> Result<Held, Failed> {
    let (mut held, mut failed) = (Held::new(), Failed::new());
    for (host, files) in look_at_each(gates, hosts) {
        match files {
            Ok(files) => drop(held.insert(host, files)),
            Err(why) => failed.push((host, why)),
        }
    }
    if failed.is_empty() { Ok(held) } else { Err(failed) }
}

/// Gives all hosts certificates of an authority, step by step; after each step all hosts are asked again. `on_step` is called before each
/// step, and `settled` after each change of a host: it returns once the host serves as before.
///
/// # Errors
///
/// The host on which a step failed. No other one was begun after it, and all can be repeated.
pub fn renew<G: Gates + ?Sized>(
    gates: &G,
    token: &str,
    wanted: &Wanted,
    authority: &Authority,
    now: u64,
    on_step: &mut dyn FnMut(&Step),
    settled: &dyn Fn(&str) -> Result<(), Error>,
) -> Result<(), Failed> {
    let hosts: Vec<String> = wanted.keys().cloned().collect();
    let mut last = None;
    loop {
        let step = next(&look(gates, &hosts)?, wanted, &authority.name, now);
        let those = match &step {
            Step::Done => return Ok(()),
            Step::Trust(those) | Step::Issue(those) => those,
        };
        if last.as_ref() == Some(&step) {
            let why = "what it was given did not take: it still has what it had before";
            return Err(those.iter().map(|host| (host.clone(), Error::new(why))).collect());
        }
        on_step(&step);
        for host in those {
            let change = match &step {
                Step::Trust(_) => AgreementChange::Trust { authority: authority.certificate().to_owned() },
                _ => {
                    let issued = authority.issue(host, wanted.get(host).map_or(&[], Vec::as_slice));
                    AgreementChange::Use { certificate: issued.map_err(|why| vec![(host.clone(), why)])? }
                }
            };
            change_one(gates, token, host, &change, settled)?;
        }
        last = Some(step);
    }
}

/// Has hosts trust only the authority of their certificates, one by one.
///
/// # Errors
///
/// The host on which it failed; those after it were not changed.
pub fn retire<G: Gates + ?Sized>(
    gates: &G,
    token: &str,
    keep: &str,
    hosts: &[String],
    settled: &dyn Fn(&str) -> Result<(), Error>,
) -> Result<(), Failed> {
    let change = AgreementChange::Retire { keep: keep.to_owned() };
    hosts.iter().try_for_each(|host| change_one(gates, token, host, &change, settled))
}

fn change_one<G: Gates + ?Sized>(
    gates: &G,
    token: &str,
    host: &str,
    change: &AgreementChange,
    settled: &dyn Fn(&str) -> Result<(), Error>,
) -> Result<(), Failed> {
    let instruction = Instruction::Agreement { token: token.to_owned(), change: change.clone() };
    let done = match gates.instruct(host, &instruction, LIMIT) {
        Ok(Answer::Agreement(_)) => settled(host),
        other => Err(unexpected(other)),
    };
    done.map_err(|why| vec![(host.to_owned(), why)])
}

#[cfg(test)]
mod tests;

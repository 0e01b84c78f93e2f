//! The preflight: asks every host for its report; [`obstacles`] finds what prevents a push (pure).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::push::at_once::at_once;
use crate::push::error::Error;
use crate::push::protocol::{Answer, Question, Report, Running, VERSION};
use crate::push::remote::Remotes;
use crate::push::remote::gates::Gates;
use crate::push::remote::no_answer::unexpected;

/// How long a host may take to answer.
const PROMPT: Duration = Duration::from_secs(20);

/// The least free space for another system in a store, in bytes.
const LEAST_FREE: u64 = 512 * 1024 * 1024;

/// A host's state before a push.
#[derive(Debug, Clone)]
pub struct HostState {
    /// Its report.
    pub report: Report,
    /// What runs there.
    pub running: Running,
}

/// Asks all hosts at once; for a host without an answer, returns the reason.
pub fn survey(remotes: &Remotes, hosts: &[String]) -> BTreeMap<String, Result<HostState, Error>> {
    let states = at_once(hosts, |host| ask_host(remotes, host));
    hosts.iter().cloned().zip(states).collect()
}

fn ask_host(remotes: &Remotes, host: &str) -> Result<HostState, Error> {
    let report = match remotes.ask(host, &Question::Report, PROMPT) {
        Ok(Answer::Report(report)) => *report,
        other => return Err(unexpected(other)),
    };
    match remotes.ask(host, &Question::Running { system: None }, PROMPT) {
        Ok(Answer::Running(running)) => Ok(HostState { report, running: *running }),
        other => Err(unexpected(other)),
    }
}

/// What prevents a push to a host, each with what to do about it.
pub fn obstacles(host: &str, state: &Result<HostState, Error>) -> Vec<String> {
    let report = match state {
        Ok(state) => &state.report,
        Err(why) => return vec![format!("it does not answer: {why}; fix that, or leave it out with --skip {host}")],
    };
    let mut reasons = Vec::new();
    if report.protocol != VERSION {
        reasons.push(format!(
            "its gate speaks version {} of the push protocol, and this polder {VERSION}",
            report.protocol
        ));
    }
    if report.host != host {
        reasons
            .push(format!("its host name is {}: polder.fleet.hosts.{host} has another machine's address", report.host));
    }
    if let Some(activation) = &report.activation {
        let (push, who) = (&activation.record.push, &activation.record.who);
        reasons.push(format!("push {push} by {who} is {}: wait until it has ended", activation.phase.in_words()));
    }
    if report.system != report.profile {
        reasons.push(format!(
            "it runs {}, but its profile, which a reboot would start, is {}: somebody switched it by hand; make the two agree \
             there (`switch-to-configuration`, or `nix-env --profile /nix/var/nix/profiles/system --set`)",
            report.system.display(),
            report.profile.display()
        ));
    }
    if report.free < LEAST_FREE {
        let mib = |bytes: u64| bytes / 1024 / 1024;
        reasons.push(format!(
            "its store has {} MiB free, and another system needs at least {}: run `nix-collect-garbage --delete-older-than 30d` there",
            mib(report.free),
            mib(LEAST_FREE)
        ));
    }
    reasons
}

#[cfg(test)]
mod tests;

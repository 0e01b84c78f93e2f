//! Rotates the key of a file that several hosts share, so that no host ever receives something that it cannot open.
//!
//! First every host gets the new key as its last one; once all have it, it becomes the first. [`next`] decides from what the hosts
//! have (pure), so a rotation that was interrupted is simply started again. Until it has ended, the new key is kept in the admin
//! machine's state. Called by `polder keys`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::{fingerprint, make};
use crate::push::admin::Admin;
use crate::push::admin::state::write_secret;
use crate::push::error::Error;
use crate::push::protocol::{Answer, Instruction, KeyChange, Question, Secret};
use crate::push::remote::gates::{Gates, ask_all, instruct_all};
use crate::push::remote::no_answer::unexpected;

/// How long a host may take to change a file and reload its daemons.
const LIMIT: Duration = Duration::from_secs(60);

/// How long a host may take to list its keys.
const LOOK: Duration = Duration::from_secs(10);

/// The key files of a host, with the fingerprints of each in order.
pub type HostFiles = BTreeMap<String, Vec<String>>;

/// The key files of several hosts.
pub type Files = BTreeMap<String, HostFiles>;

/// The hosts on which something failed, and why.
pub type Failed = Vec<(String, Error)>;

/// The next step of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Add the new key on these hosts.
    Add(Vec<String>),
    /// All hosts have it: make it the first on these.
    Promote(Vec<String>),
    /// It is the first on all hosts.
    Done,
}

/// Decides the next step from the keys that each host has.
pub fn next(keys: &BTreeMap<String, Vec<String>>, new: &str) -> Step {
    let those = |lacking: &dyn Fn(&[String]) -> bool| -> Vec<String> {
        keys.iter().filter(|(_, keys)| lacking(keys)).map(|(host, _)| host.clone()).collect()
    };
    let without = those(&|keys| !keys.iter().any(|key| key == new));
    if !without.is_empty() {
        return Step::Add(without);
    }
    let not_first = those(&|keys| keys.first().is_none_or(|first| first != new));
    if not_first.is_empty() { Step::Done } else { Step::Promote(not_first) }
}

/// The key files of all hosts.
///
/// # Errors
///
/// The hosts that did not answer, and why.
pub fn look<G: Gates + ?Sized>(gates: &G, hosts: &[String]) -> Result<Files, Failed> {
    let (mut files, mut failed) = (Files::new(), Failed::new());
    for (host, its) in look_at_each(gates, hosts) {
        match its {
            Ok(its) => drop(files.insert(host, its)),
            Err(why) => failed.push((host, why)),
        }
    }
    if failed.is_empty() { Ok(files) } else { Err(failed) }
}

/// The key files of each host, or why it did not answer.
pub fn look_at_each<G: Gates + ?Sized>(gates: &G, hosts: &[String]) -> Vec<(String, Result<HostFiles, Error>)> {
    let answers = ask_all(gates, hosts, &Question::Keys, LOOK).into_iter().map(|answer| match answer {
        Ok(Answer::Keys { files }) => Ok(files),
        other => Err(unexpected(other)),
    });
    hosts.iter().cloned().zip(answers).collect()
}

/// The keys of one file, by host. A host without the file has none.
pub fn of_file(files: &Files, name: &str) -> BTreeMap<String, Vec<String>> {
    files.iter().map(|(host, files)| (host.clone(), files.get(name).cloned().unwrap_or_default())).collect()
}

/// Makes a key the first of a file on all these hosts, step by step; after each step all hosts are asked again. `on_step` is
/// called before each step.
///
/// # Errors
///
/// The hosts on which a step failed. No later step was begun, and the rotation can be repeated.
pub fn rotate_to<G: Gates + ?Sized>(
    gates: &G,
    token: &str,
    name: &str,
    key: &Secret,
    hosts: &[String],
    on_step: &mut dyn FnMut(&Step),
) -> Result<(), Failed> {
    let new =
        fingerprint(&key.0).ok_or_else(|| vec![("this machine".to_owned(), Error::new("the new key is not a key"))])?;
    loop {
        let step = next(&of_file(&look(gates, hosts)?, name), &new);
        on_step(&step);
        match &step {
            Step::Done => return Ok(()),
            Step::Add(those) => change(gates, token, name, &KeyChange::Add { key: key.clone() }, those)?,
            Step::Promote(those) => {
                change(gates, token, name, &KeyChange::Promote { fingerprint: new.clone() }, those)?;
            }
        }
    }
}

/// Carries out one step on several hosts at once.
///
/// # Errors
///
/// The hosts on which it failed, or may have failed.
pub fn change<G: Gates + ?Sized>(
    gates: &G,
    token: &str,
    name: &str,
    change: &KeyChange,
    hosts: &[String],
) -> Result<(), Failed> {
    let instruction = Instruction::Key { token: token.to_owned(), name: name.to_owned(), change: change.clone() };
    let answers = instruct_all(gates, hosts, &instruction, LIMIT);
    let failed = hosts.iter().zip(answers).filter(|(_, answer)| !matches!(answer, Ok(Answer::Keys { .. })));
    let failed: Failed = failed.map(|(host, answer)| (host.clone(), unexpected(answer))).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed) }
}

/// The new key of the rotation under way on this admin machine; begins one if there is none.
///
/// # Errors
///
/// The saved key cannot be read, or a new one cannot be saved.
pub fn begin(admin: &Admin, name: &str) -> Result<Secret, Error> {
    let file = waiting(admin, name);
    let place = |error: &io::Error| Error::at(file.display(), error);
    match fs::read_to_string(&file) {
        Ok(text) if fingerprint(&text).is_some() => return Ok(Secret(text.trim().to_owned())),
        Ok(_) => return Err(Error::at(file.display(), "expected one key; remove it and begin again")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(place(&error)),
    }
    let key = make()?;
    write_secret(&file, key.0.as_bytes())?;
    Ok(key)
}

/// Ends the rotation: removes the saved key, which the hosts now have.
///
/// # Errors
///
/// The file cannot be removed.
pub fn end(admin: &Admin, name: &str) -> io::Result<()> {
    fs::remove_file(waiting(admin, name))
}

fn waiting(admin: &Admin, name: &str) -> PathBuf {
    admin.state_dir.join(format!("new-{name}.key"))
}

#[cfg(test)]
mod tests;

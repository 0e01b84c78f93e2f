//! `rehearse`: tries a system's daemons beside the running ones. Not for operators: a host's gate has systemd run it.

use std::path::PathBuf;

use super::exit::Exit;
use super::output::{Output, Tone, printable};
use crate::push::error::Error;
use crate::push::rehearsal::{Rehearsed, Setup, rehearse};

/// The arguments of `rehearse`.
#[derive(Debug, Clone, clap::Args)]
pub struct RehearseArgs {
    /// The system to rehearse: a folder with etc/polder
    #[arg(long, value_name = "PATH")]
    pub system: PathBuf,
    /// The folder with the documents of the running daemons
    #[arg(long, value_name = "DIR", default_value = "/etc/polder")]
    pub running: PathBuf,
}

/// Runs `rehearse`.
pub fn run(args: &RehearseArgs, output: &Output) -> Result<Exit, Error> {
    let RehearseArgs { system, running } = args;
    let polder = std::env::current_exe().map_err(|error| Error::new(format!("cannot find this program: {error}")))?;
    let rehearsed = rehearse(&Setup { polder: &polder, system, running })?;
    output.answer(&rehearsed, &text(&rehearsed));
    Ok(if rehearsed.worse.is_empty() { Exit::Done } else { Exit::No })
}

fn text(rehearsed: &Rehearsed) -> String {
    if *rehearsed == Rehearsed::default() {
        return "the system has none of the daemons: there is nothing to rehearse\n".to_owned();
    }
    let lines = |tone: Tone, kind: &'static str, items: &[String]| -> String {
        items.iter().map(|line| format!("{} {}\n", tone.paint(&format!("{kind:<6}")), printable(line))).collect()
    };
    [
        lines(Tone::Good, "proved", &rehearsed.proved),
        lines(Tone::Notable, "note", &rehearsed.notes),
        lines(Tone::Bad, "worse", &rehearsed.worse),
    ]
    .concat()
}

//! Evaluates a staged flake to the fleet document, and reduces Nix' error output to the error itself.

use std::path::{Path, PathBuf};

use crate::fleet::check::Finding;
use crate::fleet::{self, Fleet};
use crate::push::error::Error;
use crate::push::program::{self, ProgramError};

/// The Nix function that makes a checkable fleet of the flake's `nixosConfigurations`.
const CHECKABLE: &str = include_str!("evaluate.nix");
/// The Nix function that makes a checkable fleet deployable.
const DEPLOYABLE: &str = include_str!("deployable.nix");

/// How deeply systems are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Only their documents.
    Checkable,
    /// Also their derivations, which takes several times as long.
    Deployable,
}

impl Depth {
    fn applied(self) -> String {
        match self {
            Depth::Checkable => CHECKABLE.to_owned(),
            Depth::Deployable => format!("({DEPLOYABLE}) ({CHECKABLE})"),
        }
    }
}

/// A fleet and its document.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The fleet, with its zone files in the operator's folder.
    pub fleet: Fleet,
    /// The document.
    pub text: String,
}

/// What follows the hash in the store path of a copied source tree.
const SOURCE: &str = "-source/";

/// Why there is no fleet.
#[derive(Debug)]
pub enum EvaluateError {
    /// Nix reports an error in the operator's files. Its place is the last one that Nix names among those, its message the last
    /// error of the trace, which is the cause.
    Refused(Finding),
    /// Nix could not be run, or its result is not a fleet document: the modules are of another release than this program.
    Failed(Error),
}

/// Evaluates the flake in `staged`. `folder` is the operator's folder, which findings name. `arguments` are further ones for
/// `nix eval`.
pub fn evaluate(staged: &Path, folder: &Path, depth: Depth, arguments: &[String]) -> Result<Evaluated, EvaluateError> {
    let applied = depth.applied();
    let flake = format!("path:{}#nixosConfigurations", staged.display());
    let fixed = [
        "eval",
        "--json",
        "--no-write-lock-file",
        "--extra-experimental-features",
        "nix-command flakes",
        &flake,
        "--apply",
        &applied,
    ];
    let all: Vec<&str> = fixed.into_iter().chain(arguments.iter().map(String::as_str)).collect();
    match program::text("nix", staged, &all) {
        Ok(text) => {
            let fleet = fleet::parse(Path::new("the evaluated fleet"), &text).map_err(|findings| {
                let problem = format!("the flake's polder is of another release than this command: {findings}");
                EvaluateError::Failed(Error::new(problem))
            })?;
            Ok(Evaluated { fleet: with_local_zone_files(fleet, folder), text })
        }
        Err(ProgramError::Failed { stderr, .. }) => Err(EvaluateError::Refused(in_words(&stderr, staged, folder))),
        Err(ProgramError::NotStarted(why)) => Err(EvaluateError::Failed(Error::new(format!(
            "{why}: evaluate the fleet where there is one, and check that with --fleet FILE"
        )))),
    }
}

/// The fleet with zone files in the operator's folder instead of the store, where they exist there.
pub fn with_local_zone_files(mut fleet: Fleet, folder: &Path) -> Fleet {
    for zone in fleet.zones.values_mut() {
        if let Some(home) = zone.file.to_str().and_then(|file| in_folder(file, folder)) {
            zone.file = home;
        }
    }
    fleet
}

/// `hosts/x.zone` of `/nix/store/HASH-source/hosts/x.zone`, in the folder, if that has such a file.
fn in_folder(stored: &str, folder: &Path) -> Option<PathBuf> {
    let (_, relative) = stored.strip_prefix("/nix/store/")?.split_once(SOURCE)?;
    let home = if folder == Path::new(".") { PathBuf::from(relative) } else { folder.join(relative) };
    home.is_file().then_some(home)
}

/// The last error of a trace, and the last place that it names in the operator's files.
fn in_words(stderr: &str, staged: &Path, folder: &Path) -> Finding {
    let plain = anstream::adapter::strip_str(stderr).to_string();
    let lines: Vec<&str> = plain.lines().map(str::trim).collect();
    let last = lines.iter().rposition(|line| line.starts_with("error:"));
    let message: Vec<&str> =
        last.map_or(&lines[..], |at| &lines[at..]).iter().copied().take_while(|line| !is_excerpt(line)).collect();
    let message = message.join(" ").trim().trim_start_matches("error:").trim().to_owned();
    let message = if message.is_empty() {
        "nix eval failed without an error message".to_owned()
    } else {
        with_local_paths(&message, staged, folder)
    };
    let place = lines.iter().rev().filter_map(|line| line.strip_prefix("at ")).find_map(|place| {
        let place = with_local_paths(place.trim_end_matches(':'), staged, folder);
        let file = place.split(':').next()?;
        (!place.starts_with("/nix/store/") && Path::new(file).is_file()).then_some(place)
    });
    Finding::new(place.unwrap_or_else(|| "evaluation".to_owned()), message)
}

/// Whether a source excerpt begins here, behind the message: `at /nix/store/…:12:3:`.
fn is_excerpt(line: &str) -> bool {
    line.starts_with("at /") || line.starts_with("at «")
}

/// Replaces paths of the copy in the store, and of the staged folder, by those in the operator's folder.
fn with_local_paths(text: &str, staged: &Path, folder: &Path) -> String {
    let prefix = if folder == Path::new(".") { String::new() } else { format!("{}/", folder.display()) };
    let ends_word = |c: char| c.is_whitespace() || "'`\"»«,;".contains(c);
    text.split_inclusive(ends_word)
        .map(|word| {
            // A chroot store has its own root before this.
            let relative = word.split_once("/nix/store/").and_then(|(_, path)| path.split_once(SOURCE));
            let Some((_, relative)) = relative else { return word.to_owned() };
            let file = relative.split(|c| c == ':' || ends_word(c)).next().unwrap_or(relative);
            if staged.join(file).exists() { format!("{prefix}{relative}") } else { word.to_owned() }
        })
        .collect::<String>()
        .replace(&format!("{}/", staged.display()), &prefix)
}

#[cfg(test)]
mod tests;

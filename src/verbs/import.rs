//! `import`: a configuration of HAProxy or Caddy as the proxy's document, and by line what is not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::exit::Exit;
use super::output::{Output, Tone, print_progress, printable};
use crate::import::note::{Became, Note};
use crate::import::{self, Environment, ImportError, Imported};
use crate::push::error::Error;

/// What to import.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum ImportVerb {
    /// A configuration of HAProxy (haproxy.cfg)
    #[command(after_help = AFTER)]
    Haproxy(ImportArgs),
    /// A configuration of Caddy (Caddyfile)
    #[command(after_help = AFTER)]
    Caddy(ImportArgs),
}

/// What `import` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct ImportArgs {
    /// The configuration; `-` reads it from standard input
    pub file: PathBuf,
    /// Write into this file, and not to standard output; one that is there is kept
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over the file of --output if it is there
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Print options of NixOS (polder.fleet.services and what belongs to it) instead of proxy.json
    #[arg(long)]
    pub nix: bool,
}

const AFTER: &str = "Standard error tells by line what was left out or means something else, why, and what to do (docs/import.md). Variables of \
the configuration are those of this shell.
Exit codes: 0 all of it was taken, 1 something was left out or changed, 2 usage, 3 there is no result.";

/// Larger configurations are none that people write.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Imports a configuration and prints the result.
pub fn run(verb: &ImportVerb, output: &Output) -> Result<Exit, Error> {
    let (ImportVerb::Haproxy(args) | ImportVerb::Caddy(args)) = verb;
    let environment: Environment<'_> = &|name| std::env::var(name).ok();
    let program = if matches!(verb, ImportVerb::Haproxy(_)) { "haproxy" } else { "caddy" };
    let text = read(&args.file).map_err(|error| match error.remedy {
        None => error.remedy(format!("expected a configuration of {program}")),
        Some(_) => error,
    })?;
    let place = place_of(&args.file);
    let imported = match verb {
        ImportVerb::Haproxy(_) => import::haproxy::import(&text, environment),
        ImportVerb::Caddy(_) => import::caddy::import(&text, environment),
    };
    let imported = match imported {
        Ok(imported) => imported,
        Err(error) => return Ok(say_why_not(&place, &error, output)),
    };
    let result =
        if args.nix { import::nix::print(&import::fleet::options(&imported.document)) } else { imported.json() };
    if let Some(file) = &args.output {
        write(file, &result, args.force)?;
    }
    show(args, &place, &imported, &result, output);
    Ok(if imported.notes.is_empty() { Exit::Done } else { Exit::No })
}

fn show(args: &ImportArgs, place: &str, imported: &Imported, result: &str, output: &Output) {
    if !output.is_json() {
        tell(place, &imported.notes);
    }
    let text = if args.output.is_some() { "" } else { result };
    let written = args.output.as_ref().map(|file| file.display().to_string());
    let mut answer = json!({ "notes": imported.notes, "output": written });
    match (args.nix, serde_json::from_str::<serde_json::Value>(result)) {
        (false, Ok(document)) => answer["document"] = document,
        _ => answer["nix"] = result.into(),
    }
    output.answer(&answer, text);
}

/// The notes for people. What several statements became in the same words is told once, with the lines of the others; what is
/// left out is told of each.
fn tell(place: &str, notes: &[Note]) {
    let mut changed: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for note in notes.iter().filter(|note| note.became == Became::Changed) {
        changed.entry(&note.why).or_default().insert(note.line);
    }
    for note in notes {
        let mut lines = BTreeSet::new();
        if note.became == Became::Changed {
            let Some(all) = changed.remove(note.why.as_str()) else { continue };
            lines = all;
            lines.remove(&note.line);
        }
        print_progress(&line_of(place, note, &lines.iter().map(u32::to_string).collect::<Vec<_>>()));
    }
}

/// `haproxy.cfg:12: left out: STATEMENT: WHY`, and the other lines of which the same is true.
fn line_of(place: &str, note: &Note, others: &[String]) -> String {
    let tone = if note.became == Became::LeftOut { Tone::Bad } else { Tone::Notable };
    let Note { line, became, statement, why } = note;
    let also = match others {
        [] => String::new(),
        [one] => format!(" (line {one}, too)"),
        more => format!(" (lines {}, too)", more.join(", ")),
    };
    format!(
        "{}:{line}: {}: {}: {}{also}\n",
        printable(place),
        tone.paint(became.words()),
        printable(statement),
        printable(why)
    )
}

fn place_of(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

/// Why nothing was left: people read it line by line, and machines in the same list as where there is a result.
fn say_why_not(place: &str, error: &ImportError, output: &Output) -> Exit {
    if !output.is_json() {
        tell(place, &error.notes);
    }
    let error_of = match error.line {
        Some(line) => Error::at(format!("{place}:{line}"), &error.problem),
        None => Error::at(place, &error.problem),
    };
    output.could_not_with(&error_of, serde_json::Map::from_iter([("notes".to_owned(), json!(error.notes))]))
}

fn read(file: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
    };
    let place = place_of(file);
    let length = read.map_err(|error| Error::at(&place, format!("cannot be read: {error}")))?;
    if length as u64 > MOST_BYTES {
        return Err(Error::at(
            &place,
            format!("has more than {} MiB: is it a configuration?", MOST_BYTES / 1024 / 1024),
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::at(format!("{place}:{line}"), "is not UTF-8").remedy("write it in UTF-8 and import again")
    })
}

/// A file that is there is somebody's document: it is written over only where that was asked for, and then in one step.
fn write(file: &Path, text: &str, force: bool) -> Result<(), Error> {
    let failed = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::at(file.display(), "is there already").remedy("--force writes over it")
        }
        std::io::ErrorKind::NotFound => {
            Error::at(file.display(), "its folder is not there").remedy("make the folder first")
        }
        _ => Error::at(file.display(), format!("cannot be written: {error}")),
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new =
        tempfile::Builder::new().permissions(readable()).tempfile_in(folder).map_err(|error| failed(&error))?;
    new.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    let kept = if force { new.persist(file) } else { new.persist_noclobber(file) };
    kept.map(drop).map_err(|error| failed(&error.error))
}

/// A document has no secrets; the umask takes away what it takes.
fn readable() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o644)
}

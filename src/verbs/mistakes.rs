//! What is said of a command line that is not understood: the word that was meant, never one that does harm (pure, over clap).

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde_json::json;

use super::help::examples;
use super::output::Output;
use crate::config::near_miss::nearest;

/// Words that other programs have for what a verb does.
const MEANT: [(&str, &[&str]); 11] = [
    ("ready", &["undrain", "enable", "up", "resume", "unmaint", "restore"]),
    ("maint", &["disable", "down", "maintenance", "offline"]),
    ("failover", &["switchover", "promote", "rollover"]),
    ("push", &["deploy", "apply", "switch"]),
    ("check", &["validate", "lint", "configtest"]),
    ("plan", &["diff", "dry-run", "preview"]),
    ("events", &["history", "journal", "logs"]),
    ("status", &["health", "state", "show", "list", "ps"]),
    ("explain", &["route", "resolve"]),
    ("top", &["stats", "stat", "htop", "load", "traffic"]),
    ("why", &["request", "trace", "incident"]),
];

/// Words for what no verb does, and what does it.
const NO_VERB: [(&[&str], &str); 3] = [
    (
        &["start", "run", "serve", "server", "daemon"],
        "the service manager starts daemons: `systemctl start polder-proxy` or polder-dns; `polder demo` starts a fleet to try",
    ),
    (
        &["restart", "refresh", "upgrade", "takeover"],
        "did you mean reload? `polder reload` reads the document again, and starts a new build, without a gap",
    ),
    (
        &["stop", "shutdown", "poweroff", "kill", "quit"],
        "`polder drain NAME --wait` empties a proxy or backend first; then `systemctl stop` its unit",
    ),
];

/// What may be done to a name without harm is suggested for a slip of the finger; this is not.
const NEVER_SUGGESTED: [&str; 1] = ["force"];

/// The option that a bare word was probably meant for.
const BARE_WORD: [(&str, &str); 4] =
    [("events", "--service"), ("drill", "--only"), ("lock", "--reason"), ("failback", "--why")];

/// Says what is wrong with the command line, to machines too, and ends the program.
pub fn tell(error: clap::Error, command: &Command, arguments: &[OsString]) -> ! {
    let error = match arguments.iter().find(|word| error.kind() == ErrorKind::InvalidUtf8 && word.to_str().is_none()) {
        Some(word) => command.clone().error(ErrorKind::InvalidUtf8, not_text(word)),
        None => error,
    };
    let arguments: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let error = with_better_words(error, command, &arguments);
    if error.use_stderr() && arguments.iter().any(|word| word == "--json") {
        let text = error.render().to_string();
        let text = text.split("\n\nUsage:").next().unwrap_or_default().trim_start_matches("error: ").trim();
        Output::new(true).answer(&json!({ "error": text }), "");
    }
    error.exit()
}

/// clap says only that one of them is none.
fn not_text(word: &OsString) -> String {
    let shown = word.as_bytes().escape_ascii();
    format!(
        "the argument \"{shown}\" is not UTF-8 text: names, reasons and times are; give a file another name, or its folder as `.`"
    )
}

/// The same error, with the advice that helps. `arguments` are those after the program's name.
pub fn with_better_words(mut error: clap::Error, command: &Command, arguments: &[String]) -> clap::Error {
    let mut root = command.clone();
    root.build();
    let said = Said::of(&root, understood(&error, arguments));
    let kinds = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
        ContextKind::Suggested,
    ];
    for kind in kinds {
        error.remove(kind);
    }
    if error.kind() == ErrorKind::MissingSubcommand {
        let verbs = said.verbs().map(str::to_owned).collect();
        error.insert(ContextKind::ValidSubcommand, ContextValue::Strings(verbs));
    }
    if error.get(ContextKind::Usage).is_some() {
        // clap's has the option in it that it would suggest.
        error.insert(ContextKind::Usage, ContextValue::StyledStr(said.verb.clone().render_usage()));
    }
    if let Some(advice) = said.advice(&error) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(advice)]));
    }
    error
}

/// The arguments before the one that is not known: the verb that it was given to is among them.
fn understood<'a>(error: &clap::Error, arguments: &'a [String]) -> &'a [String] {
    let unknown = text(error, ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::UnknownArgument);
    let Some(unknown) = unknown else { return arguments };
    let is_it = |argument: &String| argument == unknown || argument.split('=').next() == Some(unknown);
    &arguments[..arguments.iter().position(is_it).unwrap_or(arguments.len())]
}

/// What the command line says, as far as it is understood.
struct Said<'c> {
    root: &'c Command,
    /// The verb, or the program where there is none.
    verb: &'c Command,
    /// Its words: `keys rotate`; nothing for the program.
    words: String,
}

impl<'c> Said<'c> {
    fn of(root: &'c Command, arguments: &[String]) -> Said<'c> {
        let (mut verb, mut words) = (root, Vec::new());
        for word in arguments {
            // `polder help VERB` is about that verb.
            if let Some(next) = verb.find_subcommand(word).filter(|next| next.get_name() != "help") {
                verb = next;
                words.push(word.as_str());
            }
        }
        Said { root, verb, words: words.join(" ") }
    }

    fn verbs(&self) -> impl Iterator<Item = &'c str> {
        self.verb.get_subcommands().filter(|verb| !verb.is_hide_set()).map(Command::get_name)
    }

    /// `polder drain`.
    fn called(&self) -> &str {
        self.verb.get_bin_name().unwrap_or("polder")
    }

    fn advice(&self, error: &clap::Error) -> Option<String> {
        match error.kind() {
            ErrorKind::InvalidSubcommand => Some(self.on_unknown_verb(text(error, ContextKind::InvalidSubcommand)?)),
            ErrorKind::UnknownArgument => Some(self.on_unknown_argument(text(error, ContextKind::InvalidArg)?)),
            ErrorKind::MissingRequiredArgument => self.on_missing(error),
            ErrorKind::InvalidValue => Some(self.on_invalid_value(error)),
            ErrorKind::ArgumentConflict => {
                let (argument, prior) = (error.get(ContextKind::InvalidArg), error.get(ContextKind::PriorArg));
                Some(if argument == prior { "give it once" } else { "leave one of the two out" }.to_owned())
            }
            _ => None,
        }
    }

    fn on_unknown_verb(&self, said: &str) -> String {
        let word = said.to_lowercase();
        let is_root = self.words.is_empty();
        if is_root && let Some((_, words)) = NO_VERB.iter().find(|(words, _)| words.contains(&&*word)) {
            return (*words).to_owned();
        }
        let other_word = MEANT.iter().find(|(_, words)| is_root && words.contains(&&*word)).map(|(verb, _)| *verb);
        let meant = other_word.or_else(|| nearest(&word, self.verbs()));
        match meant {
            Some(verb) => format!("did you mean {verb}? `{} {verb} --help` tells what it does", self.called()),
            None if is_root => "`polder --help` lists the verbs".to_owned(),
            None => format!("`{}` has {}", self.called(), self.verbs().collect::<Vec<_>>().join(", ")),
        }
    }

    fn on_unknown_argument(&self, said: &str) -> String {
        let Some(option) = said.strip_prefix('-') else { return self.on_bare_word(said) };
        let option = option.trim_start_matches('-').split('=').next().unwrap_or_default();
        if let Some(near) = nearest(option, options(self.verb).filter(|known| !NEVER_SUGGESTED.contains(known))) {
            return format!("did you mean --{near}? `{} --help` tells what it does", self.called());
        }
        let others = self.root.get_subcommands().filter(|verb| !verb.is_hide_set());
        let having: Vec<&str> =
            others.filter(|verb| options(verb).any(|known| known == option)).map(Command::get_name).collect();
        match having[..] {
            [first, ..] if self.words.is_empty() => {
                format!("--{option} comes after the verb, as in `polder {first} --{option}`")
            }
            [_, ..] if !NEVER_SUGGESTED.contains(&option) => {
                format!(
                    "--{option} is an option of {}; `{} --help` lists those of this verb",
                    having.join(", "),
                    self.called()
                )
            }
            _ => format!("`{} --help` lists what it takes", self.called()),
        }
    }

    fn on_bare_word(&self, said: &str) -> String {
        if let Some((_, option)) = BARE_WORD.iter().find(|(verb, _)| *verb == self.words) {
            return format!("did you mean {option} {said}?");
        }
        let takes: Vec<String> = self.verb.get_positionals().map(|one| one.to_string()).collect();
        match &takes[..] {
            [] => format!("`{}` takes no name and no file", self.called()),
            [one] => {
                format!("`{}` takes one {one}: run it once for each; words with spaces need quotes", self.called())
            }
            several => format!("`{}` takes {}, and no more", self.called(), several.join(" ")),
        }
    }

    fn on_missing(&self, error: &clap::Error) -> Option<String> {
        let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return None };
        // What another option asks for: the verb does without it.
        let is_beside = |argument: &&String| argument.starts_with("--") && !self.requires(argument);
        if let Some(option) = missing.iter().find(is_beside) {
            return Some(format!("add {option}, or leave out the option that means nothing without it"));
        }
        let (example, _) = examples::of(&self.words).iter().find(|(line, _)| *line != self.called())?;
        Some(format!("for example: {example}"))
    }

    /// Whether the verb has this option in any case, which stands there with its value.
    fn requires(&self, option: &str) -> bool {
        let name = option.trim_start_matches('-').split(' ').next();
        self.verb.get_arguments().any(|one| one.is_required_set() && one.get_long() == name)
    }

    fn on_invalid_value(&self, error: &clap::Error) -> String {
        let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
        let help = format!("`{} --help` tells of each", self.called());
        let known = match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(known)) if !known.is_empty() => known,
            _ => return format!("give it one, or leave the option out; {help}"),
        };
        if self.words == "demo" {
            if self.root.find_subcommand(value).is_some_and(|verb| !verb.is_hide_set()) {
                return format!("{value} is a verb of its own, for the demo too: `polder {value} --help`");
            }
            if nearest(value, known.iter().map(String::as_str)).is_none() && value.contains(char::is_alphabetic) {
                return "the action comes first, then the part: `polder demo kill px-1`".to_owned();
            }
        }
        match nearest(value, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}? {help}"),
            None => help,
        }
    }
}

/// The long options of a verb, `--help` too.
fn options(verb: &Command) -> impl Iterator<Item = &str> {
    verb.get_arguments().filter(|argument| !argument.is_hide_set()).filter_map(clap::Arg::get_long)
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! `generate`: man pages and shell completions, from the very definition of the command line.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::exit::Exit;
use super::help::examples;
use crate::daemon::args::{NameserverArgs, ProxyArgs};
use crate::push::error::Error;

/// What `generate` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct GenerateArgs {
    #[command(subcommand)]
    /// What to print.
    pub what: What,
}

/// What can be generated.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum What {
    /// Write the man pages of `polder`, of each verb and of both daemons
    Man {
        /// A folder of MANPATH: they go into its man1 and man8, which are made where they are missing
        folder: PathBuf,
    },
    /// Print a completion script
    Completions {
        /// For this shell
        shell: Shell,
    },
}

/// Generates them from the definition of the command line, without the examples in its help.
pub fn run(args: &GenerateArgs, mut cli: Command) -> Result<Exit, Error> {
    match &args.what {
        What::Man { folder } => {
            let mut command = cli.disable_help_subcommand(true);
            command.build();
            all_man_pages(&command, folder).map_err(|error| {
                Error::at(folder.display(), format!("man pages cannot be written there: {error}"))
                    .remedy("name a folder that you may write to, such as ~/.local/share/man")
            })?;
        }
        What::Completions { shell } => match std::io::stdout().write_all(completions(*shell, &mut cli).as_bytes()) {
            // What reads the script may have closed the pipe.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                return Err(Error::new(format!("the completion script cannot be written: {error}")));
            }
            _ => {}
        },
    }
    Ok(Exit::Done)
}

/// The commands of section 1, and the daemons of section 8.
fn all_man_pages(polder: &Command, folder: &Path) -> std::io::Result<()> {
    let section = |number: &str| {
        let folder = folder.join(format!("man{number}"));
        std::fs::create_dir_all(&folder).map(|()| folder)
    };
    man_pages(polder, "", &section("1")?)?;
    let daemons = section("8")?;
    for mut daemon in [ProxyArgs::command(), NameserverArgs::command()] {
        daemon.build();
        man_page(&daemon, "8", &[], &daemons)?;
    }
    Ok(())
}

/// A page for a verb and for each verb of it.
fn man_pages(command: &Command, words: &str, folder: &Path) -> std::io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        man_pages(verb, format!("{words} {}", verb.get_name()).trim_start(), folder)?;
    }
    man_page(command, "1", examples::of(words), folder)
}

/// Examples are command lines, each with what it shows.
fn man_page(command: &Command, section: &str, shown: &[(&str, &str)], folder: &Path) -> std::io::Result<()> {
    let man = Man::new(command.clone()).section(section);
    let mut file = std::fs::File::create(folder.join(man.get_filename()))?;
    man.render_title(&mut file)?;
    man.render_name_section(&mut file)?;
    synopsis(command).to_writer(&mut file)?;
    man.render_description_section(&mut file)?;
    man.render_options_section(&mut file)?;
    if command.get_subcommands().any(|verb| !verb.is_hide_set()) {
        man.render_subcommands_section(&mut file)?;
    }
    let mut page = Roff::new();
    if let Some(text) = command.get_after_help() {
        page.control("SH", ["NOTES"]);
        for line in text.to_string().lines() {
            match line {
                "" => page.control("PP", []),
                line => page.text([roman(line)]).control("br", []),
            };
        }
    }
    if !shown.is_empty() {
        page.control("SH", ["EXAMPLES"]);
    }
    for (line, shows) in shown {
        page.control("TP", []).text([bold(*line)]).text([roman(*shows)]);
    }
    page.to_writer(&mut file)?;
    file.flush()
}

/// The line on which everything stands that it takes. clap_mangen's has no values of options.
fn synopsis(command: &Command) -> Roff {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut words = vec![bold(name)];
    let shown = || command.get_arguments().filter(|argument| !argument.is_hide_set());
    for option in shown().filter(|argument| !argument.is_positional()) {
        let (open, close) = if option.is_required_set() { (" ", "") } else { (" [", "]") };
        words.extend([roman(open), bold(called(option))]);
        if option.get_action().takes_values() {
            let names = option.get_value_names().unwrap_or_default();
            words.extend([roman(" "), italic(names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" "))]);
        }
        words.push(roman(close));
    }
    for argument in shown().filter(|argument| argument.is_positional()) {
        let (open, close) = if argument.is_required_set() { (" ", "") } else { (" [", "]") };
        let names = argument.get_value_names().unwrap_or_default();
        let names: String = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
        let more = if argument.get_num_args().is_some_and(|count| count.max_values() > 1) { " ..." } else { "" };
        words.extend([roman(open), italic(names), roman(more), roman(close)]);
    }
    if command.get_subcommands().any(|verb| !verb.is_hide_set()) {
        words.extend([roman(" "), italic("COMMAND")]);
    }
    let mut page = Roff::new();
    page.control("SH", ["SYNOPSIS"]).text(words);
    page
}

/// `-f`|`--follow`.
fn called(option: &Arg) -> String {
    let short = option.get_short().map(|letter| format!("-{letter}"));
    let long = option.get_long().map(|word| format!("--{word}"));
    short.into_iter().chain(long).collect::<Vec<_>>().join("|")
}

/// The script of clap for verbs, options and files, with the names that `polder complete` knows beside them.
fn completions(shell: Shell, cli: &mut Command) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut without_hidden(cli), "polder", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        Shell::Bash => script + BASH,
        Shell::Zsh => with_names_in_zsh(&script),
        Shell::Fish => script + FISH,
        _ => script,
    }
}

/// Without the verbs that nobody types.
fn without_hidden(cli: &Command) -> Command {
    let shown = cli.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    Command::new("polder").args(cli.get_arguments().cloned()).subcommands(shown.collect::<Vec<_>>())
}

/// Takes the place of the completion that the script has registered.
const BASH: &str = r#"
_polder_with_names() {
    _polder "$@"
    local word="${COMP_WORDS[COMP_CWORD]}"
    if [[ $word != -* ]]; then
        local names
        names=$(command polder complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return 0
        [[ -n $names ]] && mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
    fi
    return 0
}
complete -F _polder_with_names -o bashdefault -o default polder
"#;

/// Where a word stands by itself, and behind the options whose values are names.
const FISH: &str = r#"
function __polder_names
    command polder complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null
end
complete -c polder -n 'not string match -q -- "-*" (commandline -ct)' -f -a '(__polder_names)'
complete -c polder -n '__fish_seen_subcommand_from failover' -l to -f -a '(__polder_names)'
complete -c polder -n '__fish_seen_subcommand_from events' -l service -f -a '(__polder_names)'
complete -c polder -n '__fish_seen_subcommand_from drill plan push' -l only -f -a '(__polder_names)'
complete -c polder -n '__fish_seen_subcommand_from plan push rollback lock rotate retire' -l skip -f -a '(__polder_names)'
"#;

/// The function that zsh finds under the program's name asks for names first, and then does what it did.
fn with_names_in_zsh(script: &str) -> String {
    let own = "
_polder() {
    local -a names
    names=(${(f)\"$(command polder complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\"})
    if [[ $PREFIX != -* && ${#names} -gt 0 ]]; then
        compadd -a names
        return
    fi
    _polder_verbs_and_options \"$@\"
}

if [ \"$funcstack[1]\" = \"_polder\" ]; then";
    let script = script.replacen("\n_polder() {", "\n_polder_verbs_and_options() {", 1);
    script.replacen("\nif [ \"$funcstack[1]\" = \"_polder\" ]; then", own, 1)
}

#[cfg(test)]
mod tests;

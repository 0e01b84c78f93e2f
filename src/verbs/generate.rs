//! `generate`: man pages and shell completions, from the very definition of the command line.

use std::io::Write;
use std::path::PathBuf;

use super::exit::Exit;
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
    /// Write a man page for `polder` and each verb into a folder
    Man {
        /// The folder; it is made where it is missing
        folder: PathBuf,
    },
    /// Print a completion script
    Completions {
        /// For this shell
        shell: clap_complete::Shell,
    },
}

/// Generates them from the definition of the command line.
pub fn run(args: &GenerateArgs, mut cli: clap::Command) -> Result<Exit, Error> {
    match &args.what {
        What::Man { folder } => {
            std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(cli, folder)).map_err(|error| {
                Error::at(folder.display(), format!("man pages cannot be written there: {error}"))
                    .remedy("name a folder that you may write to, such as ~/.local/share/man/man1")
            })?;
        }
        What::Completions { shell } => {
            // It panics if it cannot write: what reads the script may have closed the pipe.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli, "polder", &mut script);
            match std::io::stdout().write_all(&script) {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    return Err(Error::new(format!("the completion script cannot be written: {error}")));
                }
                _ => {}
            }
        }
    }
    Ok(Exit::Done)
}

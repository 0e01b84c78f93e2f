//! Builds systems.

use std::path::{Path, PathBuf};

use crate::push::error::Error;
use crate::push::program::{last_lines, output};

/// How many lines are shown of the log of a failed build.
const LAST_LINES: usize = 20;

const FEATURES: [&str; 2] = ["--extra-experimental-features", "nix-command flakes"];

/// Builds derivations, as many at once as Nix is set to.
///
/// # Errors
///
/// A build failed, with the end of Nix' log.
pub fn build(derivations: &[PathBuf]) -> Result<(), Error> {
    let mut arguments = vec!["build".to_owned(), "--no-link".to_owned(), "--print-build-logs".to_owned()];
    arguments.extend(FEATURES.map(str::to_owned));
    arguments.extend(derivations.iter().map(|derivation| format!("{}^out", derivation.display())));
    let built = output("nix", Path::new("/"), &arguments);
    built.map(drop).map_err(|failure| Error::new(last_lines(&failure.to_string(), LAST_LINES)))
}

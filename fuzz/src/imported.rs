//! What must hold of an import, whatever program the configuration is of.

use std::path::Path;

use polder::config::proxy;
use polder::import::{Environment, ImportError, Imported, fleet, nix};

/// Imports the text; bytes that are no UTF-8 do not get that far.
///
/// # Panics
///
/// Something does not hold.
pub fn check(text: &[u8], import: fn(&str, Environment<'_>) -> Result<Imported, ImportError>) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let lines = 1 + memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let within = |line: u32| (1..=lines).contains(&(line as usize));
    match import(text, &|name| (name.len() % 2 == 0).then(|| format!("{name} x\ny"))) {
        Ok(imported) => {
            if let Err(findings) = proxy::parse(Path::new("proxy.json"), &imported.json()) {
                panic!("the daemon would refuse it: {findings}");
            }
            for note in &imported.notes {
                assert!(!note.why.is_empty() && within(note.line), "{note:?} of {lines} lines");
            }
            nix::print(&fleet::options(&imported.document));
        }
        Err(error) => {
            assert!(!error.problem.is_empty() && error.line.is_none_or(within), "{error}");
        }
    }
}

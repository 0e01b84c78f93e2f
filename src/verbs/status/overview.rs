//! The fleet on one screen (pure): what is not well, the parts of the fleet that this concerns, and all else in a few lines.

mod folded;
mod troubled;

use super::agreement;
use super::columns::Columns;
use super::seen::Seen;
use crate::verbs::layout::wrapped;
use crate::verbs::output::{Tone, printable};

/// How many findings are shown: what comes after them is counted.
const MOST: usize = 24;

/// Lines of so many columns at most. They hold no ages and no counts of requests: what stays as it is reads as before.
pub(super) fn text(seen: &Seen, columns: Columns) -> String {
    let width = columns.all;
    let parts = [
        findings(&seen.findings, columns),
        troubled::services(&seen.replies, width),
        troubled::pools(&seen.replies, width),
        members(seen, width),
        folded::text(seen, width),
        hint(seen, width),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The members of etcd, if anything is wrong with one.
fn members(seen: &Seen, width: usize) -> String {
    let views = agreement::all(&seen.replies).filter(|views| !views.is_well());
    views.map(|views| views.table(width)).unwrap_or_default()
}

/// Each begins with a mark, for those who see no colours.
pub(super) fn findings<S: AsRef<str>>(findings: &[S], Columns { all, finding: width }: Columns) -> String {
    if findings.is_empty() {
        return format!("{}\n", Tone::Good.paint("All is well."));
    }
    let mark = format!("{} ", Tone::Bad.paint("!"));
    let shown = if findings.len() > MOST + 1 { MOST } else { findings.len() };
    let (shown, more) = findings.split_at(shown);
    let mut text: String = shown.iter().map(|finding| wrapped(&mark, &printable(finding.as_ref()), 2, width)).collect();
    if !more.is_empty() {
        text += &wrapped("", &format!("  and {} more: `polder status --json`", more.len()), 2, all);
    }
    text
}

/// How to see more of it.
fn hint(seen: &Seen, width: usize) -> String {
    if seen.findings.is_empty() {
        return String::new();
    }
    let example = troubled::first(&seen.replies).unwrap_or("NAME");
    let words = format!("`polder status {example}` shows all of it, `polder events` what has happened.");
    wrapped("", &Tone::Faint.paint(&words), 2, width)
}

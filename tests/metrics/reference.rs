//! docs/metrics.md is made from the tables of the source.
//!
//!     REWRITE=1 cargo test --test metrics reference
//!
//! writes it anew; what stands outside of the tables is kept.

use std::fmt::Write;
use std::path::Path;

use polder::daemon::metrics::family::{Family, Label};

use super::TABLES;

const HEAD: &str = "| metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n";

fn row(family: &Family) -> String {
    let label = |Label { name, values }: &Label| match values {
        &"" => format!("`{name}`"),
        values => format!("`{name}`: {values}"),
    };
    let labels: Vec<_> = family.labels.iter().map(label).collect();
    let (name, kind, unit) = (family.name, family.kind.name(), family.unit().unwrap_or_default());
    let cells = [&format!("`{name}`"), kind, unit, &labels.join("; "), family.help];
    cells.into_iter().fold(String::from("|"), |row, cell| match cell {
        "" => row + " |",
        cell => row + " " + cell + " |",
    })
}

/// The page with its tables as they should be.
fn mended(page: &str) -> String {
    let mut whole = page.to_owned();
    for (heading, families) in TABLES {
        let heading = format!("\n## {heading}\n");
        let begin =
            whole.find(&heading).unwrap_or_else(|| panic!("docs/metrics.md has no {heading:?}")) + heading.len();
        let begin = begin + whole[begin..].find("\n|").expect("a table under the heading") + 1;
        let end = whole[begin..].find("\n\n").map_or(whole.len(), |length| begin + length + 1);
        let mut table = HEAD.to_owned();
        for family in families {
            writeln!(table, "{}", row(family)).unwrap();
        }
        whole.replace_range(begin..end, &table);
    }
    whole
}

#[test]
fn the_page_says_of_every_metric_what_the_daemons_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mended = mended(&page);
    if std::env::var_os("REWRITE").is_some() {
        return std::fs::write(&path, mended).unwrap();
    }
    let wrong = page.lines().filter(|line| !mended.lines().any(|right| right == *line));
    let right = mended.lines().filter(|line| !page.lines().any(|wrong| wrong == *line));
    let differences: String =
        wrong.map(|line| format!("- {line}\n")).chain(right.map(|line| format!("+ {line}\n"))).collect();
    assert!(
        page == mended,
        "docs/metrics.md is not what the tables say:\n{differences}\nREWRITE=1 cargo test --test metrics reference"
    );
}

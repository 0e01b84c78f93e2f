//! The shape of the source, held by reading it: which way dependencies point, that no two files depend on each other, how long a
//! file may be, that no public function reports its failure in a bare text, and that NixOS tests wait for their machines.
//!
//! What breaks a rule is told with its file and line.

#![allow(clippy::unwrap_used, clippy::panic)]

mod circles;
mod layers;
mod source;

use std::path::Path;

use source::{Source, read_all};

/// A file is one idea; what is longer holds two.
const MOST_LINES: usize = 450;

fn sources() -> Vec<Source> {
    let sources = read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() > 100, "the source was not found: {} files", sources.len());
    sources
}

fn assert_none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}; these do not hold to it:\n{}", broken.join("\n"));
}

#[test]
fn dependencies_between_modules_point_one_way() {
    assert_none(
        &layers::broken(&sources()),
        "a module uses those below it only (LAYERS in tests/architecture/layers.rs)",
    );
}

#[test]
fn no_file_depends_on_one_that_depends_on_it() {
    assert_none(&circles::find(&sources()), "files depend on each other in no circle");
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.lines > MOST_LINES)
        .map(|source| format!("{}: {} lines, at most {MOST_LINES}", source.path.display(), source.lines))
        .collect();
    assert_none(&long, "a file is split before it is too long");
}

#[test]
fn no_public_function_fails_with_a_bare_text() {
    let bare: Vec<String> = sources()
        .iter()
        .flat_map(|source| {
            let path = source.path.display();
            source.bare_errors.iter().map(move |(line, name)| format!("{path}:{line}: {name} gives Result<_, String>"))
        })
        .collect();
    assert_none(&bare, "an error is a type that says what, where and what to do");
}

/// `proxy::choose`, wherever a page of docs/ speaks of the source.
#[test]
fn every_module_that_the_architecture_names_is_there() {
    let sources = sources();
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    let roots: Vec<&str> = sources.iter().filter_map(|source| Some(source.module.first()?.as_str())).collect();
    let mut found = 0;
    let missing: Vec<String> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains("::") && name.split("::").next().is_some_and(|root| roots.contains(&root)))
        .inspect(|_| found += 1)
        .filter(|name| !sources.iter().any(|source| source.module.join("::") == **name))
        .map(|name| format!("docs/architecture.md: {name}"))
        .collect();
    assert!(found > 10, "the page names modules: {found}");
    assert_none(&missing, "the page names modules that are there");
}

/// A VM boots in 10 to 60 s, which no limit of a test may have to include: `boot` of script.py waits for it.
#[test]
fn every_nixos_test_waits_for_the_machines_that_it_starts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nixos");
    let mut nix_files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    nix_files.push(folder.join("push/lib.nix"));
    nix_files.retain(|file| file.extension().is_some_and(|extension| extension == "nix"));
    assert!(nix_files.len() > 15, "the tests were not found: {}", nix_files.len());
    let mut found = Vec::new();
    for file in nix_files {
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            if line.contains(".start()") || line.contains("start_all()") {
                found.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert_none(&found, "a machine is started by `boot` or `ready`");
}

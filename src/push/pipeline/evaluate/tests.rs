#![allow(clippy::unwrap_used)]

use super::*;

/// A staged folder and the operator's, with the same files.
fn folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let kept = tempfile::tempdir().unwrap();
    let (staged, folder) = (kept.path().join("staged"), kept.path().join("copy"));
    for root in [&staged, &folder] {
        std::fs::create_dir_all(root.join("hosts/zones")).unwrap();
        std::fs::write(root.join("hosts/default.nix"), "").unwrap();
        std::fs::write(root.join("hosts/zones/example.net.zone"), "").unwrap();
    }
    (kept, staged, folder)
}

#[test]
fn of_a_trace_the_last_error_is_told_with_the_operators_file() {
    let (_kept, staged, folder) = folders();
    let said = "warning: you don't have Internet access\n\
        error:\n       … while evaluating the attribute 'config'\n         at /nix/store/aaaa-source/lib/modules.nix:359:9:\n          \
        358|         options = checked options;\n       \
        … while evaluating the option `polder.fleet':\n         at /nix/store/bbbb-source/hosts/default.nix:41:7:\n           40|\n\
        \n       \u{1b}[31;1merror:\u{1b}[0m A definition for option `polder.fleet.hosts.px-nl.roles' is not of type `list of one of'. Definition values:\n       \
        - In `/nix/store/bbbb-source/hosts/default.nix': \"proxy\"\n";
    let refused = in_words(said, &staged, &folder);
    let home = folder.join("hosts/default.nix");
    assert_eq!(refused.place, format!("{}:41:7", home.display()));
    assert_eq!(
        refused.message,
        format!(
            "A definition for option `polder.fleet.hosts.px-nl.roles' is not of type `list of one of'. Definition values: \
             - In `{}': \"proxy\"",
            home.display()
        )
    );
}

#[test]
fn a_syntax_error_is_told_without_the_source_text() {
    let (_kept, staged, folder) = folders();
    let said = "error: syntax error, unexpected '}', expecting end of file\n       at /nix/store/bbbb-source/hosts/default.nix:12:1:\n           11|\n           12| }\n             | ^\n";
    let refused = in_words(said, &staged, &folder);
    assert_eq!(refused.place, format!("{}:12:1", folder.join("hosts/default.nix").display()));
    assert_eq!(refused.message, "syntax error, unexpected '}', expecting end of file");
}

#[test]
fn what_is_not_the_operators_keeps_its_place_in_the_store() {
    let (_kept, staged, folder) = folders();
    let refused = in_words("error: path '/nix/store/cccc-source/lib/x.nix' does not exist", &staged, &folder);
    assert_eq!(refused, Finding::new("evaluation", "path '/nix/store/cccc-source/lib/x.nix' does not exist"));
    assert_eq!(in_words("", &staged, &folder).message, "nix eval failed without an error message");
}

#[test]
fn zone_files_are_those_of_the_folder_where_it_has_them() {
    let (_kept, _, folder) = folders();
    let home = |file: &str| in_folder(file, &folder);
    assert_eq!(
        home("/nix/store/bbbb-source/hosts/zones/example.net.zone"),
        Some(folder.join("hosts/zones/example.net.zone"))
    );
    assert_eq!(home("/nix/store/bbbb-source/hosts/zones/other.zone"), None);
    assert_eq!(home("/nix/store/bbbb-example.net.zone"), None);
    assert_eq!(home("hosts/zones/example.net.zone"), None);
}

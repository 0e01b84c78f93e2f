use super::*;

#[test]
fn the_gates_own_verbs_are_let_through() {
    assert_eq!(purpose("polder 2"), Ok(Purpose::Host));
    assert_eq!(purpose("polder 2 daemon"), Ok(Purpose::Daemon));
    assert_eq!(purpose("polder 2 compare"), Ok(Purpose::Compare));
    assert_eq!(purpose("polder 2 upload"), Ok(Purpose::Upload));
}

#[test]
fn nothing_else_is_least_of_all_the_stores_own_protocol_which_builds_and_reads() {
    for words in [
        "",
        "sh",
        "nix-daemon --stdio",
        "nix-daemon --stdio; id",
        "nix-store --serve --write",
        "nix-store --export /nix/store/a",
        "polder 2 relay polder-dns",
        "polder 2 gate --serve",
        "polder 2 upload --to /etc",
        "polder",
    ] {
        assert!(purpose(words).is_err(), "{words}");
    }
}

#[test]
fn another_version_is_told_apart_from_nonsense() {
    let why = purpose("polder 1").unwrap_err().to_string();
    assert!(why.contains("speaks version 2") && why.contains("the caller speaks 1"), "{why}");
}

use super::*;
use crate::verbs;

#[test]
fn completion_scripts_ask_for_names_beside_what_clap_knows() {
    for (shell, own) in [
        (Shell::Bash, "complete -F _polder_with_names"),
        (Shell::Zsh, "_polder_verbs_and_options \"$@\""),
        (Shell::Fish, "-l to -f -a '(__polder_names)'"),
    ] {
        let script = completions(shell, &mut verbs::command());
        assert!(script.contains(own) && script.contains("polder complete"), "{shell}");
        assert!(script.contains("failback"), "{shell}");
    }
    let zsh = completions(Shell::Zsh, &mut verbs::command());
    assert!(zsh.starts_with("#compdef polder"), "{}", &zsh[..60]);
    assert_eq!(zsh.matches("\n_polder() {").count(), 1, "one function has the name that zsh loads");
    assert_eq!(zsh.matches("\n_polder_verbs_and_options() {").count(), 1);
}

#[test]
fn man_pages_have_the_examples_of_the_help() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = verbs::command();
    command.build();
    man_pages(&command, "", folder.path()).unwrap();
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap().replace("\\-", "-");
    let drain = page("polder-drain.1");
    assert!(drain.contains(".SH EXAMPLES") && drain.contains("polder drain px-1 --for 2h"), "{drain}");
    assert!(drain.contains(".SH NOTES") && drain.contains("What drain means"), "{drain}");
    assert!(page("polder-keys-rotate.1").contains(".SH EXAMPLES"));
    assert!(page("polder.1").contains("polder-status"));
}

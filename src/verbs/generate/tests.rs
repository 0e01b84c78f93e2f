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
    all_man_pages(&command, folder.path()).unwrap();
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap().replace("\\-", "-");
    let drain = page("man1/polder-drain.1");
    assert!(drain.contains(".SH EXAMPLES") && drain.contains("polder drain px-1 --for 2h"), "{drain}");
    assert!(drain.contains(".SH NOTES") && drain.contains("What drain means"), "{drain}");
    assert!(page("man1/polder-keys-rotate.1").contains(".SH EXAMPLES"));
    assert!(page("man1/polder.1").contains("polder-status"));
}

#[test]
fn a_synopsis_says_what_each_option_takes() {
    let mut command = verbs::command();
    command.build();
    let drain = command.find_subcommand("drain").unwrap();
    let text = synopsis(drain).to_roff().replace("\\-", "-");
    for part in ["\\fBpolder drain\\fR", "[\\fB--for\\fR \\fIDURATION\\fR]", "[\\fB--force\\fR]", " \\fINAME\\fR"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_daemons_have_pages_in_the_section_of_daemons() {
    let folder = tempfile::tempdir().unwrap();
    all_man_pages(&verbs::command(), folder.path()).unwrap();
    for daemon in ["polder-proxy", "polder-dns"] {
        let page = std::fs::read_to_string(folder.path().join(format!("man8/{daemon}.8"))).unwrap().replace("\\-", "-");
        assert!(page.contains(&format!(".TH {daemon} 8")), "{page}");
        assert!(page.contains("--check-config") && page.contains("SIGHUP"), "{page}");
    }
}

use clap::CommandFactory;

use super::*;
use crate::verbs::Cli;

fn kind_of(line: &str) -> Option<Kind> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    kind(&words, &Cli::command())
}

#[test]
fn the_verb_and_the_word_before_the_cursor_say_what_kind_of_name_is_meant() {
    for (line, expected) in [
        ("dra", None),
        ("drain ", Some(Kind::Subjects)),
        ("drain px", Some(Kind::Subjects)),
        ("drain --for ", None),
        ("drain --for 2h ", Some(Kind::Subjects)),
        ("drain --force we", Some(Kind::Subjects)),
        ("drain --wh", None),
        ("--json failover ", Some(Kind::Stateful)),
        ("failover shop --to ", Some(Kind::Backends)),
        ("forget --latch ", Some(Kind::Stateful)),
        ("events --service ", Some(Kind::Everything)),
        ("events ", None),
        ("drill --only ", Some(Kind::Rows)),
        ("push --only ", Some(Kind::Machines)),
        ("push ", None),
        ("serial exa", Some(Kind::Zones)),
        ("explain ", Some(Kind::Sites)),
        ("reload px-1 ", Some(Kind::Daemons)),
    ] {
        assert_eq!(kind_of(line), expected, "{line:?}");
    }
}

use super::super::super::note::Notes;
use super::*;

fn sections(text: &str) -> Sections {
    read(text, &|_| None, &mut Notes::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn said(sections: &Sections, name: &str) -> Vec<String> {
    let proxy = sections.proxies.iter().find(|proxy| proxy.name == name).expect(name);
    proxy.statements.iter().map(Statement::text).collect()
}

#[test]
fn a_section_has_what_the_last_defaults_say_and_nothing_of_those_before() {
    let sections = sections(
        "defaults\n retries 1\n mode http\nlisten a\n balance first\ndefaults\n retries 2\nlisten b\n no option httplog\n",
    );
    assert_eq!(said(&sections, "a"), ["retries 1", "mode http", "balance first"]);
    assert_eq!(said(&sections, "b"), ["retries 2", "no option httplog"]);
}

#[test]
fn from_names_the_defaults_of_a_section_or_of_other_defaults() {
    let sections = sections(
        "defaults one\n retries 1\ndefaults two from one\n mode http\ndefaults three\n mode tcp\n\
         listen a from two\n balance first\nlisten b\n",
    );
    assert_eq!(said(&sections, "a"), ["retries 1", "mode http", "balance first"]);
    assert_eq!(said(&sections, "b"), ["mode tcp"]);
    let missing = read("listen a from other\n", &|_| None, &mut Notes::default()).expect_err("none of that name");
    assert_eq!(missing.to_string(), "line 1: there is no \"defaults other\" before this line");
}

#[test]
fn what_stands_in_conditional_blocks_is_left_out_with_its_line() {
    let mut notes = Notes::default();
    let text = "listen a\n mode http\n.if defined(X)\n .if 1\n bind :1\n .endif\n bind :2\n.endif\n bind :3\n";
    let sections = read(text, &|_| None, &mut notes).expect("it can be read");
    assert_eq!(said(&sections, "a"), ["mode http", "bind :3"]);
    let notes = notes.into_vec();
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].line, notes[0].statement.as_str()), (3, ".if defined(X)"));
}

#[test]
fn text_that_is_no_configuration_says_so() {
    let error = read("http {\n server {\n", &|_| None, &mut Notes::default()).expect_err("that is nginx");
    assert_eq!(error.to_string(), "line 1: \"http\" stands before any section: is this a configuration of HAProxy?");
}

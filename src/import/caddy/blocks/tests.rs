use super::super::words::words;
use super::*;

fn file(text: &str) -> Result<Caddyfile, ImportError> {
    read(&words(text, &|_| None)?, &mut Notes::default())
}

fn shown(block: &[Directive]) -> Vec<String> {
    block
        .iter()
        .map(|directive| {
            let inner = shown(&directive.block);
            if inner.is_empty() { directive.text() } else { format!("{} {{ {} }}", directive.text(), inner.join("; ")) }
        })
        .collect()
}

#[test]
fn sites_have_their_addresses_and_blocks_with_or_without_braces() {
    let several =
        file("{\n email a@b.test\n}\na.test,\nb.test {\n x y {\n  z\n }\n}\nc.test d.test {\n}\n").expect("it is good");
    assert_eq!(shown(&several.global), ["email a@b.test"]);
    assert_eq!(shown(&several.sites), ["a.test b.test { x y { z } }", "c.test d.test"]);
    let bare = file("a.test\n\nx y\nz {\n u\n}\n").expect("it is good");
    assert_eq!(shown(&bare.sites), ["a.test { x y; z { u } }"]);
}

#[test]
fn snippets_stand_in_the_place_of_their_import_with_its_arguments() {
    let text =
        "(one) {\n x {args[0]} {args.1}\n}\n(two) {\n import one {args[:]}\n y\n}\na.test {\n import two p q\n}\n";
    assert_eq!(shown(&file(text).expect("it is good").sites), ["a.test { x p q; y }"]);
}

#[test]
fn braces_that_do_not_match_and_snippets_in_circles_are_errors() {
    for (text, line, expected) in [
        ("a.test {\n x\n", 1, "is not closed"),
        ("a.test {\n}\n}\n", 3, "does not belong here"),
        ("(a) {\n import a\n}\nb.test {\n import a\n}\n", 2, "contain each other"),
    ] {
        let error = file(text).expect_err(text);
        assert!(error.line == Some(line) && error.problem.contains(expected), "{text}: {error}");
    }
    let deep = "a.test {\n".to_owned() + &"x {\n".repeat(5000);
    assert!(file(&deep).expect_err("deep").problem.contains("deep"));
}

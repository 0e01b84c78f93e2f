use super::*;

fn read(path: &str) -> Option<(String, bool)> {
    let wanted = wanted(path.as_bytes()).ok()?;
    Some((wanted.path.to_str().expect("it is UTF-8").to_owned(), wanted.is_folder))
}

#[test]
fn each_segment_is_decoded_once_and_is_a_name() {
    for (path, expected) in [
        ("", ("", false)),
        ("/", ("", true)),
        ("/a", ("a", false)),
        ("/a/", ("a", true)),
        ("/a/b.css", ("a/b.css", false)),
        ("/a%20b/%c3%a4", ("a b/ä", false)),
        ("/%61%2ejs", ("a.js", false)),
        ("/%2561", ("%61", false)),
        ("/a..b/...c/", ("", false)),
        ("/.well-known/security.txt", (".well-known/security.txt", false)),
        ("/a\\b", ("a\\b", false)),
    ] {
        match path {
            "/a..b/...c/" => assert_eq!(read(path), None, "a name with dots in front is hidden"),
            _ => assert_eq!(read(path), Some((expected.0.to_owned(), expected.1)), "{path}"),
        }
    }
}

#[test]
fn what_leads_up_around_or_into_hidden_files_is_no_name() {
    for path in [
        "/..",
        "/../",
        "/../a",
        "/a/..",
        "/a/../b",
        "/.",
        "/./a",
        "/a/.",
        "/%2e%2e/a",
        "/%2E%2E",
        "/.%2e/a",
        "/%2e./a",
        "/..%2fa",
        "/a%2fb",
        "/a%2F..%2Fb",
        "/%2f",
        "/%2fetc/passwd",
        "//",
        "//etc/passwd",
        "/a//b",
        "/a//",
        "///",
        "/%00",
        "/a%00.html",
        "/.git/config",
        "/.env",
        "/a/.htaccess",
        "/%2egit/config",
        "/a/.well-known/b",
        "/.well-known/.secret",
        "/.well-known/../a",
        "/%",
        "/%2",
        "/%zz",
        "/a%",
        "/%-1",
        "/%+1",
        "a",
        "a/b",
    ] {
        assert_eq!(wanted(path.as_bytes()), Err(Unnameable), "{path}");
    }
}

/// What is not UTF-8 is a name like any other: nothing is made of two bytes but what they are.
#[test]
fn overlong_dots_and_slashes_are_no_dots_and_slashes() {
    for path in ["/%c0%ae%c0%ae/a", "/%e0%80%ae", "/a%c0%afb", "/\u{ff0e}\u{ff0e}/a"] {
        let wanted = wanted(path.as_bytes()).expect(path);
        let names = wanted.path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        assert!(names, "{path}: {wanted:?}");
    }
}

//! Whole documents: syntax, duplicate keys, the version.

use super::PROXY;

#[test]
fn a_text_that_is_not_json_is_one_finding_with_its_line() {
    PROXY.refuses(&[
        (
            &[(r#""name": "px-nl","#, r#""name": "px-nl""#)],
            &["proxy.json:3: not JSON: a comma is missing after this value"],
        ),
        (&[(r#""rise": 2,"#, r#""rise": 2, // quick"#)], &["proxy.json:30: not JSON: comments are not allowed"]),
        (
            &[(r#""state_dir": "/var/lib/polder-proxy","#, r#""state_dir": "/var/lib/polder-proxy,"#)],
            &["proxy.json:9: not JSON: this string is never closed"],
        ),
    ]);
}

#[test]
fn a_key_that_stands_twice_is_refused_with_both_lines() {
    PROXY.refuses(&[
        (
            &[(r#"  "workers": 2,"#, "  \"workers\": 2,\n  \"workers\": 3,")],
            &["proxy.json:16: workers: this key stands twice, in line 15 and in line 16"],
        ),
        (
            &[(r#"    "shop": {"#, r#"    "www": {"#)],
            &["proxy.json:32: services.www: this key stands twice, in line 21 and in line 32"],
        ),
        (
            &[(r#""weight": 100 },"#, r#""weight": 100, "weight": 200 },"#)],
            &["proxy.json:27: services.www.backends[0].weight: this key stands twice, in line 27 and in line 27"],
        ),
    ]);
}

#[test]
fn another_version_or_none_is_told_plainly() {
    PROXY.refuses(&[
        (&[("  \"version\": 1,\n", "")], &[r#"proxy.json:1: the key "version" is missing: expected "version": 1"#]),
        (
            &[(r#""version": 1"#, r#""version": 2"#)],
            &["proxy.json:2: version: this is a document of version 2, and this program reads version 1: render it with the same release of polder"],
        ),
        (
            &[(r#""version": 1"#, r#""version": "1""#)],
            &[r#"proxy.json:2: version: expected the number 1, found the string "1""#],
        ),
        (
            &[(r#""version": 1"#, r#""version": 1.0"#)],
            &["proxy.json:2: version: expected the number 1, found the number 1.0"],
        ),
        (&[(r#""version": 1"#, r#""version": null"#)], &["proxy.json:2: version: expected the number 1, found null"]),
        (
            &[(r#""version": 1,"#, r#""version": 2, "sites": {},"#)],
            &["proxy.json:2: version: this is a document of version 2, and this program reads version 1: render it with the same release of polder"],
        ),
    ]);
}

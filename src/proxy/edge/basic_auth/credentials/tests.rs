//! What an Authorization field says.

use super::*;

fn parsed(value: &str) -> Option<(String, String)> {
    let credentials = Credentials::parse(value.as_bytes())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((text(credentials.name()), text(credentials.password())))
}

#[test]
fn the_first_colon_ends_the_name() {
    let pair = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
    assert_eq!(parsed("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), pair("Aladdin", "open sesame"));
    assert_eq!(parsed("bAsIc   YTpiOmM="), pair("a", "b:c"));
    assert_eq!(parsed("Basic Og=="), pair("", ""));
    for value in [
        "Basic",
        "Basic ",
        "Basic YQ==",
        "Basic YTpi=",
        "Basic YTpiOmM",
        "Bearer YTpiOmM=",
        "",
        "Basic\tYTpiOmM=",
        "Basic *",
    ] {
        assert_eq!(parsed(value), None, "{value}");
    }
}

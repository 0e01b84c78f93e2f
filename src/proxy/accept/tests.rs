use super::*;

fn of(value: &str, name: &str) -> Option<u16> {
    weight([value.as_bytes()], |element| element.eq_ignore_ascii_case(name.as_bytes()))
}

#[test]
fn an_element_weighs_what_it_says_and_all_where_it_says_nothing() {
    let list = "gzip;q=0.5, BR, zstd ; q=0.125;x=1, deflate;q=0, identity;q=1.000, *;q=nonsense";
    assert_eq!(of(list, "gzip"), Some(500));
    assert_eq!(of(list, "br"), Some(1000));
    assert_eq!(of(list, "zstd"), Some(125));
    assert_eq!(of(list, "deflate"), Some(0));
    assert_eq!(of(list, "identity"), Some(1000));
    assert_eq!(of(list, "*"), Some(1000));
    assert_eq!(of(list, "compress"), None);
}

#[test]
fn several_fields_are_one_list() {
    let values = [&b"text/html;level=1;q=0.3"[..], b"*/*;q=0.1"];
    assert_eq!(weight(values, |name| name == b"text/html"), Some(300));
    assert_eq!(weight(values, |name| name == b"*/*"), Some(100));
}

use super::*;

#[test]
fn a_finding_is_about_those_whose_whole_name_it_has() {
    let finding = "www/web1 is down at px-1: connection refused; see shop.example.net.";
    for name in ["www", "web1", "www/web1", "px-1", "shop.example.net"] {
        assert!(names(finding, name), "{name}");
    }
    for name in ["ww", "web", "px", "1", "shop", "example.net", "net"] {
        assert!(!names(finding, name), "{name}");
    }
}

#[test]
fn a_use_is_meant_by_the_name_of_what_is_used_and_by_both() {
    let is_use = |name: &str| Named(name.to_owned()).is_use("www", "web1");
    assert_eq!(["web1", "www/web1", "shop/web1", "www", "wwwweb1"].map(is_use), [true, true, false, false, false]);
}

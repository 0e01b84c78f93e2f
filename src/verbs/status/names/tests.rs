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
fn a_name_is_found_in_any_case_and_with_a_dot_at_its_end() {
    let known: BTreeSet<String> = ["example.org", "Shop", "shop", "."].map(str::to_owned).into();
    let meant = |name: &str| meant(name, &known).map(String::as_str);
    assert_eq!(["Example.ORG.", "shop", "Shop"].map(meant), [Some("example.org"), Some("shop"), Some("Shop")]);
    assert_eq!(["example.net", "example.org..", "."].map(meant), [None, None, Some(".")]);
}

#[test]
fn a_use_is_meant_by_the_name_of_what_is_used_and_by_both() {
    let is_use = |name: &str| Named(name.to_owned()).is_use("www", "web1");
    assert_eq!(["web1", "www/web1", "shop/web1", "www", "wwwweb1"].map(is_use), [true, true, false, false, false]);
}

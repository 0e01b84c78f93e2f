use super::*;

fn names(list: &[&str]) -> CertificateNames {
    let mut names = CertificateNames::default();
    for name in list {
        match name.parse() {
            Ok(address) => names.add_address(address),
            Err(_) => names.add_name(name),
        }
    }
    names
}

#[test]
fn a_wildcard_stands_for_one_label() {
    let names = names(&["www.Example.net", "*.pages.example.net", "2001:db8::1"]);
    for host in ["www.example.net", "WWW.EXAMPLE.NET.", "a.pages.example.net", "[2001:db8::1]", "2001:DB8::1"] {
        assert!(names.cover(host), "{host}");
    }
    for host in
        ["example.net", "pages.example.net", "a.b.pages.example.net", ".pages.example.net.x", "[2001:db8::2]", ""]
    {
        assert!(!names.cover(host), "{host}");
    }
}

#[test]
fn a_pattern_of_a_document_wants_the_same_wildcard() {
    let names = names(&["*.pages.example.net", "www.example.net"]);
    let covers = |pattern: &str| HostPattern::parse(pattern).is_ok_and(|pattern| names.cover_pattern(&pattern));
    assert!(covers("*.pages.example.net") && covers("a.pages.example.net") && covers("www.example.net") && covers("*"));
    assert!(!covers("*.example.net") && !covers("shop.example.net"));
}

use super::*;

#[test]
fn each_host_says_who_holds_it_and_for_how_long() {
    let lock = Lock {
        token: String::new(),
        holder: "alice@admin-nl".to_owned(),
        location: "nl".to_owned(),
        reason: "push of r41".to_owned(),
        expires: 0,
    };
    let host = |host: &str| Shown { host: host.to_owned(), holder: None, left: None, error: None };
    let shown = [
        Shown { holder: Some(lock), left: Some(90), ..host("px-nl") },
        host("ns-nl"),
        Shown { error: Some("no route to host".to_owned()), ..host("ns-ch") },
    ];
    let text = anstream::adapter::strip_str(&table(&shown)).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].contains("alice@admin-nl (nl)") && lines[1].ends_with("push of r41  90s"), "{text}");
    assert!(lines[2].contains("nobody") && lines[3].contains("not reached: no route to host"), "{text}");
}

use std::path::Path;

use super::*;
use crate::acme::desired::files;
use crate::config::proxy;

fn document() -> ProxyConfig {
    let service = |hosts: &str, more: &str| {
        format!(
            r#"{{ "hosts": [{hosts}], {more} "mode": "stateless", "backends": [{{ "name": "web", "address": "192.0.2.1:80" }}] }}"#
        )
    };
    let text = format!(
        r#"{{ "version": 1, "name": "px", "state_dir": "/state", "admin": {{ "socket": "/admin.sock" }},
          "listeners": [{{ "name": "a", "address": "192.0.2.9:80" }}, {{ "name": "b", "address": "192.0.2.9:443", "protocol": "https" }}],
          "acme": {{ "terms_of_service_agreed": true, "nameservers": {{ "key_file": "/k", "members": {{ "ns-1": {{
            "address": "192.0.2.53:8455", "keys": ["Tk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk4="] }} }} }} }},
          "services": {{ "plain": {}, "shop": {}, "cart": {}, "wild": {} }} }}"#,
        service(r#""plain.test""#, ""),
        service(r#""shop.test", "www.test""#, r#""tls": "acme","#),
        service(r#""www.test", "shop.test""#, r#""tls": "acme", "paths": ["/cart"],"#),
        service(r#""*.wild.test""#, r#""tls": { "acme": { "challenge": "dns-01" } },"#),
    );
    proxy::parse(Path::new("proxy.json"), &text).unwrap_or_else(|findings| panic!("{findings}"))
}

#[test]
fn services_with_the_same_hosts_share_a_certificate_that_goes_by_the_first_of_them() {
    let document = document();
    let desired = desired(&document);
    assert_eq!(desired.keys().collect::<Vec<_>>(), ["cart", "wild"]);
    assert_eq!(desired["cart"].names(), ["shop.test", "www.test"]);
    assert_eq!(desired["wild"].names(), ["*.wild.test"]);
    let shared = shared(&document);
    assert_eq!(shared["shop"], "cart");
    assert_eq!((shared["cart"].as_str(), shared.get("plain")), ("cart", None));
    assert_eq!(files(&document.state_dir, "cart").key_file, Path::new("/state/acme/cart.pem"));
}

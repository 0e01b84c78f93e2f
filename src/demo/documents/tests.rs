#![allow(clippy::unwrap_used)]
use super::*;

fn with_places(check: impl FnOnce(Layout<'_>)) {
    let addresses = Addresses::claim().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let identities = Identities::make(folder.path()).unwrap();
    let directory = Path::new("/run/demo");
    check(Layout { directory, addresses: &addresses, identities: &identities, times: Times::SCALED });
}

#[test]
fn scaled_times_bound_detection_to_650_ms_and_the_defaults_to_5_s() {
    assert_eq!(Times::SCALED.detection(), Duration::from_millis(650));
    assert_eq!(Times::DEFAULT.detection(), Duration::from_secs(5));
}

#[test]
fn proxies_differ_only_in_what_is_their_own() {
    with_places(|places| {
        let mut first = places.proxy(0);
        let mut second = places.proxy(1);
        for document in [&mut first, &mut second] {
            for own in ["name", "listeners", "admin", "state_dir"] {
                document[own] = Value::Null;
            }
            for own in ["listen", "key_file"] {
                document["peers"][own] = Value::Null;
            }
            document["services"][STATEFUL]["check"]["port"] = Value::Null;
        }
        assert_eq!(first, second);
    });
}

#[test]
fn the_daemons_own_readers_accept_the_documents() {
    with_places(|places| {
        for index in 0..PROXIES {
            let text = places.proxy(index).to_string();
            let read = crate::config::proxy::parse(Path::new("proxy.json"), &text).unwrap();
            let backends = read.services[STATEFUL].target.backends().expect("it has backends");
            assert_eq!(backends.check.detection_bound(), Times::SCALED.detection());
        }
        for index in 0..NAMESERVERS {
            let text = places.nameserver(index).to_string();
            crate::config::dns::parse(Path::new("dns.json"), &text).unwrap();
        }
    });
}

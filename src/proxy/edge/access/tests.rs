//! Which network decides.
#![allow(clippy::unwrap_used)]

use super::*;

fn networks(list: &[&str]) -> Vec<IpNet> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

fn listed(networks: Vec<IpNet>) -> NetworkList {
    NetworkList { networks, files: Vec::new() }
}

fn access(allow: &[&str], deny: &[&str]) -> Access {
    Access::new(&AccessConfig { allow: listed(networks(allow)), deny: listed(networks(deny)) }).unwrap()
}

fn judge(access: &Access, address: &str) -> String {
    access.judge(Some(address.parse().unwrap())).to_string()
}

#[test]
fn a_service_without_networks_asks_nothing() {
    assert!(Access::new(&AccessConfig::default()).is_none());
}

#[test]
fn the_most_specific_network_decides_whichever_list_it_is_in() {
    let access = access(&["10.0.0.0/8", "10.1.2.3/32", "2001:db8::/32"], &["10.1.0.0/16", "2001:db8:f::/48"]);
    for (address, ruling) in [
        ("10.0.0.0", "is allowed by allow 10.0.0.0/8"),
        ("10.0.255.255", "is allowed by allow 10.0.0.0/8"),
        ("10.1.0.0", "is denied by deny 10.1.0.0/16"),
        ("10.1.2.2", "is denied by deny 10.1.0.0/16"),
        ("10.1.2.3", "is allowed by allow 10.1.2.3/32"),
        ("10.1.2.4", "is denied by deny 10.1.0.0/16"),
        ("10.1.255.255", "is denied by deny 10.1.0.0/16"),
        ("10.2.0.0", "is allowed by allow 10.0.0.0/8"),
        ("10.255.255.255", "is allowed by allow 10.0.0.0/8"),
        ("11.0.0.0", "is in no network of allow, and so denied"),
        ("9.255.255.255", "is in no network of allow, and so denied"),
        ("::ffff:10.1.2.3", "is allowed by allow 10.1.2.3/32"),
        ("2001:db8::1", "is allowed by allow 2001:db8::/32"),
        ("2001:db8:f:ffff::", "is denied by deny 2001:db8:f::/48"),
        ("2001:db9::", "is in no network of allow, and so denied"),
    ] {
        assert_eq!(judge(&access, address), ruling, "{address}");
    }
    assert!(!access.judge(None).serves());
}

#[test]
fn where_nothing_is_allowed_everybody_is_but_for_the_denied() {
    let access = access(&[], &["0.0.0.0/1", "255.255.255.255/32", "ffff::/16"]);
    for (address, served) in [
        ("1.1.1.1", false),
        ("127.255.255.255", false),
        ("128.0.0.0", true),
        ("255.255.255.255", false),
        ("255.255.255.254", true),
    ] {
        assert_eq!(access.judge(Some(address.parse().unwrap())).serves(), served, "{address}");
    }
    for (address, served) in [("::", true), ("ffff::", false), ("fffe:ffff::", true)] {
        assert_eq!(access.judge(Some(address.parse().unwrap())).serves(), served, "{address}");
    }
    assert!(!access.judge(None).serves(), "he may be one of the denied");
}

#[test]
fn the_whole_of_one_family_is_not_the_other() {
    let access = access(&["0.0.0.0/0"], &[]);
    assert!(access.judge(Some("::ffff:1.2.3.4".parse().unwrap())).serves());
    assert!(!access.judge(Some("::1".parse().unwrap())).serves());
}

#[test]
fn ranges_answer_as_looking_through_all_networks_does() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let mut lists = [Vec::new(), Vec::new()];
        for _ in 0..random.usize(1..40) {
            // Few bits, so that they meet.
            let (bits, prefix) = (random.u32(..64) << 26 | random.u32(..4), random.u8(0..=32));
            let network = IpNet::new(std::net::Ipv4Addr::from_bits(bits).into(), prefix).unwrap().trunc();
            if !lists.iter().any(|list: &Vec<IpNet>| list.contains(&network)) {
                lists[random.usize(..2)].push(network);
            }
        }
        let [allow, deny] = lists;
        let config = AccessConfig { allow: listed(allow), deny: listed(deny) };
        let access = Access::new(&config).unwrap();
        for _ in 0..200 {
            let bits = (random.u32(..64) << 26).wrapping_add(random.u32(..5)).wrapping_sub(random.u32(..2));
            let address = IpAddr::from(std::net::Ipv4Addr::from_bits(bits));
            let of = |rule, list: &[IpNet]| list.iter().map(move |network| (rule, *network)).collect::<Vec<_>>();
            let all = [of(Rule::Allow, &config.allow.networks), of(Rule::Deny, &config.deny.networks)].concat();
            let inside = all.into_iter().filter(|(_, network)| network.contains(&address));
            let expected = inside.max_by_key(|(_, network)| network.prefix_len());
            let expected = expected.map_or(access.otherwise, |(rule, network)| Ruling::By(rule, network));
            assert_eq!(access.judge(Some(address)), expected, "{address} {config:?}");
        }
    }
}

#[test]
fn files_are_part_of_the_lists_and_what_is_denied_in_one_of_them_is_denied() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let [office, blocked] =
        [write("office", "10.0.0.0/8\n198.51.100.0/24\n"), write("blocked", "198.51.100.0/24\n10.9.0.0/16\n")];
    let allow = NetworkList { networks: networks(&["192.0.2.0/24"]), files: vec![office.clone()] };
    let access =
        Access::new(&AccessConfig { allow, deny: NetworkList { networks: Vec::new(), files: vec![blocked] } }).unwrap();
    for (address, ruling) in [
        ("192.0.2.1", "is allowed by allow 192.0.2.0/24"),
        ("10.0.0.1", "is allowed by allow 10.0.0.0/8"),
        ("10.9.0.1", "is denied by deny 10.9.0.0/16"),
        ("198.51.100.1", "is denied by deny 198.51.100.0/24"),
        ("203.0.113.1", "is in no network of allow, and so denied"),
    ] {
        assert_eq!(judge(&access, address), ruling, "{address}");
    }
    let refresh = || {
        let news: Vec<_> = access.files().filter_map(Watched::refresh).collect();
        access.lay_out();
        news
    };
    write("office", "203.0.113.0/24\n");
    assert_eq!(refresh(), [Ok(())]);
    assert_eq!(judge(&access, "203.0.113.1"), "is allowed by allow 203.0.113.0/24");
    assert_eq!(judge(&access, "10.0.0.1"), "is in no network of allow, and so denied");
    write("office", "10.0.0.0/8\nmistake\n");
    let news = refresh();
    assert!(
        matches!(&news[..], [Err(error)] if error.to_string().contains("office:2: \"mistake\" is not a network")),
        "{news:?}"
    );
    assert_eq!(judge(&access, "203.0.113.1"), "is allowed by allow 203.0.113.0/24", "what was read before goes on");
    assert!(access.files().next().unwrap().alarm().unwrap().contains("the networks before go on"));
}

#[test]
fn where_a_file_never_could_be_used_nobody_is_let_in_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("blocked");
    let deny = NetworkList { networks: Vec::new(), files: vec![file.clone()] };
    let access = Access::new(&AccessConfig { allow: NetworkList::default(), deny }).unwrap();
    assert_eq!(access.judge(Some("192.0.2.1".parse().unwrap())), Ruling::Unread);
    assert!(!Ruling::Unread.serves());
    std::fs::write(&file, "# nobody\n").unwrap();
    assert_eq!(access.files().filter_map(Watched::refresh).count(), 1);
    access.lay_out();
    assert_eq!(access.judge(Some("192.0.2.1".parse().unwrap())), Ruling::NotDenied);
}

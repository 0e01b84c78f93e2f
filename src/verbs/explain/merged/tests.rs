use super::*;

fn said<'a>(daemon: &'a str, headline: &str, sentences: &[&str]) -> Said<'a> {
    Said { daemon, headline: headline.to_owned(), sentences: sentences.iter().map(|one| (*one).to_owned()).collect() }
}

#[test]
fn daemons_that_say_the_same_are_one_and_what_only_one_says_has_its_name() {
    let shown = text(
        "proxy",
        vec![
            said(
                "px-1",
                "service www, backend web2",
                &["the listener a", "web1 down since 04:08:05Z: refused", "web2"],
            ),
            said(
                "px-2",
                "service www, backend web2",
                &["the listener b", "web1 down since 04:08:07Z: refused", "web2"],
            ),
            said("px-3", "service www, no backend", &["web2 down"]),
        ],
        80,
    );
    assert_eq!(
        shown,
        "\
proxies px-1, px-2: service www, backend web2
    px-1: the listener a
    px-2: the listener b
    web1 down since 04:08:05Z: refused
    web2
proxy px-3: service www, no backend
    web2 down
"
    );
}

#[test]
fn sentences_are_alike_but_for_spans_of_probes_and_moments_that_are_close() {
    for (one, other, alike) in [
        ("up since 04:08:05Z (200 in 3 ms), ready", "up since 04:08:31Z (200 in 17 ms), ready", true),
        ("up since 04:08:05Z", "up since 04:09:05Z", false),
        ("epoch 3", "epoch 4", false),
        ("web1 is down", "web2 is down", false),
        ("web1 is down", "web1 is down now", false),
    ] {
        assert_eq!(are_alike(one, other), alike, "{one} / {other}");
    }
}

#[test]
fn listeners_at_one_port_are_told_of_once_without_their_addresses() {
    let own = |address: &str| format!("this is what the listener http ({address}:8080) answers");
    let (one, other, third) = (own("192.0.2.1"), own("192.0.2.2"), own("[2001:db8::3]"));
    let shown = text(
        "proxy",
        vec![
            said("px-1", "service www", &[&one]),
            said("px-2", "service www", &[&other]),
            said("px-3", "service www", &[&third]),
        ],
        80,
    );
    assert_eq!(shown, format!("proxies px-1, px-2, px-3: service www\n    {}\n", own("*")));
    assert!(!are_alike(&own("192.0.2.1"), &own("192.0.2.2").replace("8080", "8081")));
    assert!(!are_alike("web1 (192.0.2.1)", "web1 (192.0.2.2)"));
    let alone = text("proxy", vec![said("px-1", "service www", &[&one])], 80);
    assert!(alone.contains("(192.0.2.1:8080)"), "{alone}");
}

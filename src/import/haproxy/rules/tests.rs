use super::super::super::note::{Became, Note};
use super::super::import;

/// Lines 1 to 6; what is tested begins in line 7.
const HEAD: &str = "defaults\n mode http\nbackend web\n server a 192.0.2.1:80 check\nfrontend f\n bind :80\n";

fn told(notes: &[Note]) -> Vec<(u32, Became, &str)> {
    notes.iter().map(|note| (note.line, note.became, note.why.as_str())).collect()
}

#[test]
fn the_words_of_a_redirect_stand_in_any_order_and_what_it_cannot_do_is_told() {
    let imported = import(&format!(
        "{HEAD} http-request redirect code 301 location https://a.example.net/x if {{ path_beg /a/ }}\n redirect drop-query prefix \
         https://b.example.net set-cookie SEEN=1 if {{ path_beg /b/ }}\n http-request redirect code 301 if {{ path_beg /c/ }}\n \
         http-request deny deny_status 429 hdr Retry-After 9 if {{ path_beg /d/ }}\n default_backend web\n"
    ), &|_| None).expect("a configuration");
    let all = imported.json().split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        r#""redirect": { "status": 301, "scheme": "https", "host": "a.example.net", "keep_query": false, "path": "/x" }"#,
        r#""redirect": { "status": 302, "scheme": "https", "host": "b.example.net", "keep_query": false }"#,
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    let told: Vec<_> =
        told(&imported.notes).into_iter().filter(|(_, _, why)| !why.ends_with("belongs to it, too")).collect();
    let expected = [
        (8, Became::LeftOut, "set-cookie: polder's redirects set no cookies"),
        (9, Became::LeftOut, "expected redirect location, prefix or scheme"),
        (10, Became::Changed, "polder answers 429 with the status alone; http-request return takes a text and fields"),
    ];
    assert_eq!(told, expected);
}

/// Two frontends that name the same hosts and send them to two places: one sentence for each rule, and not one for each place.
#[test]
fn what_another_frontend_decides_at_many_places_is_told_once() {
    let hosts = "{ hdr(host) a.example.net b.example.net c.example.net }";
    let text = format!(
        "{HEAD} use_backend web if {hosts}\nfrontend g\n bind :81\n use_backend other if {hosts}\nbackend other\n server a 192.0.2.2:80 check\n"
    );
    let imported = import(&text, &|_| None).expect("a configuration");
    let told: Vec<_> = told(&imported.notes).into_iter().filter(|(line, ..)| *line == 10).collect();
    let [(_, Became::LeftOut, why)] = told[..] else { panic!("{told:?}") };
    assert!(
        why.starts_with("line 7 sends the host a.example.net with the path / (and 2 other places) elsewhere"),
        "{why}"
    );
}

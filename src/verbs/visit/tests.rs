#![allow(clippy::unwrap_used)]

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    visit: VisitArgs,
}

fn args(more: &[&str]) -> VisitArgs {
    let least = ["visit", "--nameserver", "127.0.0.1:53", "--site", "www.example.net/a/b", "--site", "example.net"];
    Line::parse_from(least.iter().chain(more)).visit
}

#[test]
fn a_site_is_a_host_and_the_path_after_it() {
    let sites = plan(&args(&[])).sites;
    let words: Vec<_> = sites.iter().map(|site| (site.host.as_str(), site.path.as_str())).collect();
    assert_eq!(words, [("www.example.net", "/a/b"), ("example.net", "/")]);
}

#[test]
fn without_more_words_nothing_may_fail() {
    assert_eq!(bounds(&args(&[])), Bounds { rates: (41, 16), ..Bounds::default() });
}

#[test]
fn what_may_fail_is_excused() {
    let bounds = bounds(&args(&["--posts-may-fail", "--may-fail-via", "192.0.2.11", "--gap", "2s"]));
    assert_eq!(
        bounds.excused.iter().map(|apart| (apart.via.is_some(), apart.safe)).collect::<Vec<_>>(),
        [(false, false), (true, true)]
    );
    assert_eq!(bounds.gap, Some(Duration::from_secs(2)));
}

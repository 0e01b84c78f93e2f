use super::*;

const NAMES: [&str; 11] = ["ns-1", "ns-2", "px-1", "px-2", "px-3", "web1", "web2", "web3", "shop1", "shop2", "shop3"];

fn picture(heading: &[String], is_help: bool) -> Picture<'_> {
    let status = |name: &str| match &name[..2] {
        "ns" => "1234567 queries, answers px-1 px-2 px-3",
        "px" => "not ready, 1234567 requests, shop: shop2 (epoch 12), drain",
        _ => "up at 1 of 3 proxies: connection refused, maint",
    };
    let part = |name: &'static str| Part { name, state: State::Running, status: status(name).to_owned() };
    Picture {
        heading,
        parts: NAMES.map(part).into(),
        selected: 2,
        visitors: "visitors: 60/s pages, slowest 1234 ms, 12 failed (12 x the connection was refused); 60/s queries, 3 unanswered"
            .to_owned(),
        events: (0..20).map(|n| format!("12:00:{n:02} demo: `polder drain px-1`: http0.l.polder.test/px-1: {n} {}", "word ".repeat(12))).collect(),
        is_help,
    }
}

fn heading() -> Vec<String> {
    let line = |n: usize| {
        format!(
            "  px-{n}  curl -i -H 'Host: www.polder.test' http://127.70.147.2{n}:8080/   http://127.70.147.2{n}:8404/"
        )
    };
    (1..9).map(line).collect()
}

fn assert_fits(lines: &[String], columns: usize, rows: usize) {
    assert_eq!(lines.len(), rows, "{lines:#?}");
    for line in lines {
        assert!(width_of(line) <= columns, "{line}");
    }
    assert_eq!(&lines[rows - 2..], KEYS.map(|line| clipped(line, columns)), "the keys stand last");
}

#[test]
fn every_part_the_visitors_the_last_event_and_all_keys_are_on_a_screen_of_80_columns_and_24_rows() {
    let heading = heading();
    let lines = picture(&heading, false).frame(80, 24);
    assert_fits(&lines, 80, 24);
    let text = lines.join("\n");
    for name in NAMES {
        assert!(text.contains(name), "{text}");
    }
    assert!(text.contains("visitors: 60/s pages") && text.contains("3 unanswered"), "{text}");
    assert!(text.contains("px-1: 19 word"), "the latest event is there: {text}");
    assert!(KEYS.iter().all(|keys| keys.len() <= 80));
    // What a daemon says of itself is whole.
    assert!(text.contains("shop: shop2 (epoch 12), drain"), "{text}");
}

#[test]
fn where_everything_is_and_what_the_keys_do_fits_80_columns_and_24_rows_and_is_whole() {
    let heading = heading();
    let lines = picture(&heading, true).frame(80, 24);
    assert_fits(&lines, 80, 24);
    let text = lines.join("\n");
    assert!(text.contains("http://127.70.147.28:8404/") && text.contains("Any key goes back."), "{text}");
}

#[test]
fn a_tall_screen_has_the_heading_too_and_a_tiny_one_never_more_lines_than_it_has() {
    let heading = heading();
    let tall = picture(&heading, false).frame(120, 50);
    assert_fits(&tall, 120, 50);
    assert!(tall.join("\n").contains("curl -i"));
    for rows in 1..24 {
        assert_eq!(picture(&heading, false).frame(40, rows).len(), rows);
    }
}

use super::*;

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn columns_are_aligned_and_the_last_one_is_not_padded() {
    let mut table = Table::new(&["NAME", "STATE"]);
    table.row(vec![cell("web1"), toned("up", Tone::Good)]);
    table.row(vec![cell("a-longer-name"), toned("down", Tone::Bad)]);
    assert_eq!(plain(&table.render()), "NAME           STATE\nweb1           up\na-longer-name  down\n");
}

#[test]
fn a_table_that_is_too_wide_loses_its_heading_before_its_columns() {
    let mut table = Table::new(&["NAME", "OPERATOR"]);
    table.row(vec![cell("web1"), toned("up", Tone::Good)]);
    table.row(vec![cell("longer"), toned("down", Tone::Bad)]);
    assert_eq!(plain(&table.render_within(16)), "NAME    OPERATOR\nweb1    up\nlonger  down\n");
    assert_eq!(plain(&table.render_within(15)), "web1    up\nlonger  down\n");
    assert_eq!(plain(&table.render_within(11)), "web1  up\nlonger\n    down\n");
}

#[test]
fn a_table_without_rows_prints_nothing() {
    assert_eq!(Table::new(&["NAME"]).render(), "");
}

#[test]
fn what_a_daemon_says_cannot_steer_the_terminal() {
    assert_eq!(printable("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
    let painted = Tone::Bad.paint("gone\r\u{1b}[2J\u{202e}");
    assert_eq!(plain(&painted), "gone\\r\\u{1b}[2J\\u{202e}");
}

#[test]
fn lines_and_our_own_colours_reach_the_terminal_and_nothing_else_hidden_does() {
    for tone in [Tone::Plain, Tone::Good, Tone::Notable, Tone::Bad, Tone::Faint] {
        let text = format!("{}\tgrößer\n", tone.paint("web1"));
        assert_eq!(fit(&text), text);
    }
    assert_eq!(
        fit("a\u{1b}]0;title\u{7}\u{1b}[8mhidden\u{1b}[32m\u{200b}"),
        "a\\u{1b}]0;title\\u{7}\\u{1b}[8mhidden\u{1b}[32m\\u{200b}"
    );
}

#[test]
fn json_keeps_the_data_and_shows_what_is_hidden_as_escapes() {
    let value = serde_json::json!({ "why": "a\u{202e}b\u{9b}\u{e0041}\u{1b}\n\"\\" });
    let text = json(&value);
    assert!(text.contains(r#""why": "a\u202eb\u009b\udb40\udc41\u001b\n\"\\""#), "{text}");
    let read: Result<serde_json::Value, _> = serde_json::from_str(&text);
    assert_eq!(read.ok(), Some(value));
}

#[test]
fn what_cannot_be_written_is_an_error_and_a_reader_that_has_gone_is_none() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").and_then(|mut full| full.write_all(b"status"));
    assert!(loss(&full).is_some_and(|why| why.contains("No space left on device")), "{full:?}");
    let (reader, mut writer) = std::io::pipe().unwrap();
    drop(reader);
    let gone = writer.write_all(b"status");
    assert!(gone.is_err() && loss(&gone).is_none(), "{gone:?}");
    assert_eq!(loss(&Ok(())), None);
}

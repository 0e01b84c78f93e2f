#![allow(clippy::unwrap_used, clippy::disallowed_types)]

use std::io;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(style: Style, log: impl FnOnce()) -> String {
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_writer(move || writer.clone())
        .event_format(Line { style })
        .finish();
    tracing::subscriber::with_default(subscriber, log);
    String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn the_journal_gets_the_level_as_a_prefix_and_no_time() {
    let text = logged(Style::Journal, || {
        tracing::error!("bad");
        tracing::warn!(service = "www", "odd");
        tracing::info!(count = 3, "well");
        tracing::debug!("detail");
    });
    assert_eq!(text, "<3>bad\n<4>odd service=\"www\"\n<6>well count=3\n<7>detail\n");
}

#[test]
fn nothing_in_a_message_or_field_can_forge_a_line_or_reach_the_terminal() {
    let evil = "x\n<0>forged\r\x1b[2J\u{9b}\u{2028}\u{202e}";
    let text = logged(Style::Journal, || tracing::info!(shown = %evil, quoted = evil, "from {evil}"));
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(!text.trim_end_matches('\n').chars().any(char::is_control), "{text:?}");
    assert!(text.starts_with("<6>from x\\n<0>forged\\r\\u{1b}[2J\\u{9b}\\u{2028}\\u{202e} shown=x\\n"), "{text:?}");
}

#[test]
fn any_text_is_one_line_of_printable_letters() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..200 {
        let evil: String = (0..20).map(|_| random.char(..'\u{3000}')).collect();
        let text = logged(Style::Journal, || tracing::info!(shown = %evil, quoted = evil, "{evil}"));
        let line = text.strip_suffix('\n').unwrap();
        assert!(!line.contains(printable::is_hidden), "{text:?}");
    }
}

#[test]
fn without_a_journal_a_line_begins_with_time_and_level() {
    let text = logged(Style::Plain, || tracing::info!("well"));
    let (time, rest) = text.split_once(' ').unwrap();
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{text:?}");
    assert_eq!(rest, "info  well\n");
}

#[test]
fn colours_need_a_terminal_that_wants_them() {
    assert_eq!(Style::choose(false, true, true), Style::Terminal);
    assert_eq!(Style::choose(false, true, false), Style::Plain);
    assert_eq!(Style::choose(false, false, true), Style::Plain);
    assert_eq!(Style::choose(true, true, true), Style::Journal);
}

//! What varies from run to run, made alike: times, addresses, ports, processes, ids, folders, and who was first of three.
//!
//! A page with the values of some day would do as well, but could not be compared. So each is replaced by one that looks as natural.

use std::fmt::Write;

use polder::unix_time::formatted;

/// The values of this run.
#[derive(Clone)]
pub struct Run {
    /// `127.8.20.`
    pub network: String,
    /// What is added to every port.
    pub offset: u16,
    /// Texts, each with what stands for it.
    pub texts: Vec<(String, &'static str)>,
    /// In milliseconds since the epoch.
    pub now: u64,
}

/// In milliseconds.
const DAY: u64 = 86_400_000;
/// What it is when the night is played: 04:12.
const NIGHT: u64 = (4 * 60 + 12) * 60_000;

impl Run {
    /// The text with natural values in place of this run's.
    pub fn natural(&self, text: &str) -> String {
        let mut text = self.texts.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        text = text.replace(&self.network, "127.8.20.");
        // Whichever proxy or nameserver it was.
        for digit in ['1', '2', '3'] {
            for (of, first) in [(format!("by px-{digit}"), "by px-1"), (format!("(px-{digit}: "), "(px-1: ")] {
                text = text.replace(&of, first);
            }
            text = text.replace(&format!("at ns-{digit}:"), "at ns-1:");
        }
        text.lines().map(|line| self.line(line) + "\n").collect()
    }

    fn line(&self, line: &str) -> String {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ':' | '.' | '-');
        let mut natural = String::new();
        let (mut rest, mut before) = (line, "");
        while !rest.is_empty() {
            let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(length);
            let gap = behind.find(is_part).unwrap_or(behind.len());
            let (between, behind) = behind.split_at(gap);
            natural += &self.word(word, before, if between == " " { behind } else { "" });
            natural += between;
            if !word.is_empty() {
                before = word;
            }
            rest = behind;
        }
        in_order(&natural)
    }

    fn word(&self, whole: &str, before: &str, after: &str) -> String {
        let word = whole.trim_end_matches([':', '.']);
        let end = &whole[word.len()..];
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let natural = match word {
            _ if form(word) == "0000-00-00" => self.day(word),
            _ if form(word) == "00:00:00Z" => self.time(word),
            _ if word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) => "0f3a9c51d27be846".to_owned(),
            _ if word.strip_suffix('s').is_some_and(is_number) && word.len() < 4 => "9s".to_owned(),
            _ if is_number(word) && after.starts_with("ms") => "1".to_owned(),
            _ if is_number(word) && before == "process" => "4711".to_owned(),
            _ => match word.rsplit_once(':') {
                Some((address, port)) if address.starts_with("127.") && is_number(port) => {
                    let port = port.parse::<u32>().unwrap();
                    // A visitor's is the kernel's choice.
                    let is_ours = address.starts_with("127.8.20.") && port < 32_768;
                    let port = if is_ours { port - u32::from(self.offset) } else { 50_000 };
                    format!("{address}:{port}")
                }
                _ => word.to_owned(),
            },
        };
        natural + end
    }

    /// Days from now stay days from then.
    fn day(&self, word: &str) -> String {
        let Ok(day) = word.parse::<jiff::civil::Date>() else { return word.to_owned() };
        let today: jiff::civil::Date = formatted(self.now, "%Y-%m-%d").parse().unwrap();
        (jiff::civil::date(2026, 11, 29) + (day - today)).to_string()
    }

    /// Hours from now stay hours from then.
    fn time(&self, word: &str) -> String {
        let parts: Vec<u64> = word.trim_end_matches('Z').split(':').map(|part| part.parse().unwrap()).collect();
        let time = ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000;
        const HOUR: u64 = 3_600_000;
        let hours = ((time + DAY - self.now % DAY + HOUR / 2) % DAY) / HOUR;
        let then = (NIGHT + hours * HOUR) % DAY / 60_000;
        let mut text = String::new();
        write!(text, "{:02}:{:02}:07Z", then / 60, then % 60).unwrap();
        text
    }
}

/// Its digits as `0`.
fn form(word: &str) -> String {
    word.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect()
}

/// The line of an event with its daemons in the order of their names: which one was first is chance.
fn in_order(line: &str) -> String {
    let parts: Vec<&str> = line.splitn(3, "  ").collect();
    match &parts[..] {
        [time, daemons, words] if form(time) == "0000-00-00 00:00:00Z" => {
            let mut daemons: Vec<&str> = daemons.split(' ').collect();
            daemons.sort_unstable();
            format!("{time}  {}  {words}", daemons.join(" "))
        }
        _ => line.to_owned(),
    }
}

/// What two texts have alike that say the same: where a line was broken does not count, nor which of several events was seen first, nor
/// whether a day is told with a time (around midnight it is).
pub fn key(text: &str) -> Vec<String> {
    let is_day = |word: &&str| form(word) != "0000-00-00";
    let joined = |text: &str| text.split_whitespace().filter(is_day).collect::<Vec<_>>().join(" ");
    let is_event = |line: &str| line.get(..20).is_some_and(|begin| form(begin) == "0000-00-00 00:00:00Z");
    let (events, others): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| is_event(line));
    let mut key: Vec<String> = events.into_iter().map(joined).collect();
    key.sort();
    key.push(joined(&others.join("\n")));
    key
}

#[test]
fn what_varies_is_made_alike_and_all_else_stays() {
    let run = Run {
        network: "127.204.7.".to_owned(),
        offset: 10_000,
        texts: vec![("/tmp/polder-abc".to_owned(), "/tmp/polder-demo"), ("alice@vm".to_owned(), "alice@nl")],
        now: 20_786 * DAY + 23 * 3_600_000 + 59 * 60_000,
    };
    for (text, expected) in [
        ("up since 23:58:40Z (14s): 200 in 12 ms", "up since 04:12:07Z (9s): 200 in 1 ms"),
        ("until 2026-11-30 01:59:10Z.", "until 2026-11-30 06:12:07Z."),
        ("listens on 127.204.7.21:18080, from 127.0.0.1:45001", "listens on 127.8.20.21:8080, from 127.0.0.1:50000"),
        ("process 27780, up for 14s", "process 4711, up for 9s"),
        ("by alice@vm at ns-2: disk", "by alice@nl at ns-1: disk"),
        ("(epoch 1, by px-3: shop1 is down)", "(epoch 1, by px-1: shop1 is down)"),
        ("since (px-2: shop1 is down)", "since (px-1: shop1 is down)"),
        ("2026-11-29 23:58:40Z  px-3 px-1  shop: a -> b", "2026-11-29 04:12:07Z  px-1 px-3  shop: a -> b"),
        ("/tmp/polder-abc/px-1/proxy.json: valid, 2 services", "/tmp/polder-demo/px-1/proxy.json: valid, 2 services"),
        (
            "for 5 s, weight 100 of 300, 500ms, serial 2026112301",
            "for 5 s, weight 100 of 300, 500ms, serial 2026112301",
        ),
        ("the number 3e013381c7844446.", "the number 0f3a9c51d27be846."),
    ] {
        assert_eq!(run.natural(text), format!("{expected}\n"));
    }
    assert_eq!(key("a b\n  c\n"), key("a\nb c"));
    let events = ["2026-11-29 04:12:07Z  px-1  a", "2026-11-29 04:12:07Z  px-2  b"];
    assert_eq!(key(&events.join("\n")), key(&[events[1], events[0]].join("\n")));
    assert_ne!(key("a\nb"), key("a\nc"));
}

//! `timeout` (configuration manual, 4.2): HAProxy has them for each section, polder one for all. Pure.

use std::time::Duration;

use super::super::bounds::within;
use super::super::note::Notes;
use super::super::tree::Table;
use super::sections::Statement;
use super::times;

/// A time limit of one section that is in use.
#[derive(Debug, Clone)]
struct Stated {
    key: &'static str,
    time: Duration,
    line: u32,
    statement: String,
}

/// Those of all sections that are in use.
#[derive(Debug, Default)]
pub struct Timeouts(Vec<Stated>);

const LEAST: Duration = Duration::from_millis(1);
const MOST: Duration = Duration::from_secs(3600);
const LONGEST_TUNNEL: Duration = Duration::from_secs(7 * 86_400);

impl Timeouts {
    /// Adds those that count in a section: of each kind the last one.
    pub fn add(&mut self, statements: &[Statement], notes: &mut Notes) {
        let mut own: Vec<Stated> = Vec::new();
        for statement in statements.iter().filter(|statement| statement.keyword() == "timeout") {
            let Some(keys) = keys(statement.argument(0).unwrap_or_default()) else {
                if !matches!(statement.argument(0), Some("check" | "queue")) {
                    notes.left_out(statement.line, &statement.text(), "polder has no such time limit");
                }
                continue;
            };
            let Some(time) = statement.argument(1).and_then(times::parse) else {
                notes.left_out(statement.line, &statement.text(), "it is no time that polder can read");
                continue;
            };
            for key in keys {
                let stated = Stated { key, time, line: statement.line, statement: statement.text() };
                // What is said again of the same kind takes the place of what was said before.
                own.retain(|other| other.key != *key || kind(&other.statement) != kind(&stated.statement));
                own.push(stated);
            }
        }
        self.0.extend(own);
    }

    /// `timeouts` of the document: of each kind the longest.
    pub fn table(&self, notes: &mut Notes) -> Table {
        let mut table = Table::new();
        for key in ["connect", "body_idle", "response_head", "request_head", "keep_alive", "tunnel_idle"] {
            let of_key = || self.0.iter().filter(|stated| stated.key == key);
            let Some(longest) = of_key().max_by_key(|stated| (stated.time, std::cmp::Reverse(stated.line))) else {
                continue;
            };
            for shorter in of_key()
                .filter(|stated| stated.time < longest.time && kind(&stated.statement) == kind(&longest.statement))
            {
                let why =
                    format!("{key} is one time for all services: the longest is taken, that of line {}", longest.line);
                notes.changed(shorter.line, &shorter.statement, why);
            }
            let most = if key == "tunnel_idle" { LONGEST_TUNNEL } else { MOST };
            let (text, fits) = within(longest.time, LEAST, most);
            if !fits {
                notes.changed(
                    longest.line,
                    &longest.statement,
                    format!("{key} is {text}: what is longer, or none, is not allowed"),
                );
            }
            table.set(key, text);
        }
        table
    }
}

fn keys(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "connect" => &["connect"],
        "client" | "clitimeout" => &["body_idle"],
        "server" | "srvtimeout" => &["body_idle", "response_head"],
        "http-request" => &["request_head"],
        "http-keep-alive" => &["keep_alive"],
        "tunnel" => &["tunnel_idle"],
        _ => return None,
    })
}

/// `timeout client`: the words before the time.
fn kind(statement: &str) -> &str {
    statement.rsplit_once(' ').map_or(statement, |(kind, _)| kind)
}

//! The pieces that pages are made of: marks that can be told without colours, times, curves and strips (SVG).

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use crate::api::operator::{OperatorNote, OperatorState};
use crate::daemon::trends::{MINUTES, Minute, Trend};
use crate::health::Verdict;
use crate::printable;
use crate::unix_time::{formatted, unix_ms};

/// A text of anybody's: hidden characters are shown as escapes.
pub fn text(text: &str) -> PreEscaped<String> {
    PreEscaped(printable::html(text))
}

/// What checks say: a shape, a word and a colour.
pub fn verdict(verdict: Verdict) -> Markup {
    match verdict {
        Verdict::Up => html! { span.good { "● up" } },
        Verdict::Down => html! { span.bad { "✖ down" } },
        Verdict::Unchecked => html! { span.off { "◌ unchecked" } },
    }
}

/// What an operator has said, with who, why and until when; nothing of what is ready.
pub fn operator(state: OperatorState, note: Option<&OperatorNote>) -> Markup {
    html! {
        @if state != OperatorState::Ready {
            span.off {
                "▲ " (state)
                @if let Some(note) = note {
                    " by " (text(&note.who))
                    @if !note.why.is_empty() { ": " (text(&note.why)) }
                    " (since " (moment(note.began()))
                    @if let Some(until) = note.until { ", until " (moment(until)) }
                    ")"
                }
            }
        }
    }
}

/// A moment in UTC: the time of day, with its day where that is not within the last 20 hours or the next 4.
pub fn moment(at: u64) -> Markup {
    const EARLIER: u64 = 20 * 3_600_000;
    const LATER: u64 = 4 * 3_600_000;
    let now = unix_ms();
    // Times come from peers and files, too.
    let is_near = at.saturating_add(EARLIER) > now && at < now.saturating_add(LATER);
    let shown = formatted(at, if is_near { "%H:%M:%SZ" } else { "%Y-%m-%d %H:%MZ" });
    html! { time datetime=(formatted(at, "%Y-%m-%dT%H:%M:%SZ")) { (shown) } }
}

/// Seconds, in the two largest units.
pub fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match seconds {
        0..=59 => "less than a minute".to_owned(),
        60..=3_599 => format!("{minutes} min"),
        3_600..=86_399 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// How often a second something is used.
pub fn rate(trend: &Trend) -> String {
    match trend.per_second() {
        None => "-/s".to_owned(),
        Some(rate) if rate < 10.0 => format!("{rate:.1}/s"),
        Some(rate) => format!("{rate:.0}/s"),
    }
}

/// How often something was used in each minute of the last hour, as a curve. The present minute, which has not ended, is left out.
pub fn curve(trend: &Trend) -> Markup {
    const HEIGHT: f64 = 16.0;
    let mut used: Vec<u64> = trend.minutes().map(|minute| minute.used).collect();
    used.pop();
    let most = used.iter().copied().max().unwrap_or(0);
    let first = MINUTES - used.len();
    let mut points = String::new();
    for (at, used) in used.iter().enumerate() {
        let height = if most == 0 { 0.0 } else { *used as f64 / most as f64 * HEIGHT };
        let _ = write!(points, "{},{:.1} ", first + at, HEIGHT + 1.0 - height);
    }
    let words = format!("in each minute of the last hour: at most {most}");
    html! {
        svg.curve viewBox="0 0 60 18" preserveAspectRatio="none" role="img" aria-label=(words) {
            title { (words) }
            polyline points=(points.trim_end()) {}
        }
    }
}

/// What checks said in each minute of the last hour. Down is tall: it can be told without its colour.
pub fn strip(trend: &Trend) -> Markup {
    let minutes: Vec<Minute> = trend.minutes().collect();
    let first = MINUTES - minutes.len();
    let down = minutes.iter().filter(|minute| minute.worst == Some(Verdict::Down)).count();
    let words = match down {
        0 => format!("not down in the last {} min", minutes.len()),
        _ => format!("down in {down} of the last {} min", minutes.len()),
    };
    let mut from = first;
    html! {
        svg.strip viewBox="0 0 60 10" preserveAspectRatio="none" role="img" aria-label=(words) {
            title { (words) }
            @for run in minutes.chunk_by(|one, other| one.worst == other.worst) {
                @let next = from + run.len();
                @let x = std::mem::replace(&mut from, next);
                @let (class, y) = match run[0].worst {
                    Some(Verdict::Down) => ("bad", 0),
                    Some(Verdict::Up) => ("good", 4),
                    _ => ("off", 7),
                };
                rect.(class) x=(x) y=(y) width=(run.len()) height=(10 - y) {}
            }
        }
    }
}

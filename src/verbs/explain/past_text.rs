//! `explain --at TIME`: how what a visitor would have met stood at a moment, in words (pure).
//!
//! Routes are those of the present documents; the rest is of the moment, as far as the histories reach, and it is said how far they do.

use super::merged::{self, Said};
use crate::api::daemon::Daemon;
use crate::verbs::layout::wrapped;
use crate::verbs::output::{Tone, printable};
use crate::verbs::past::Past;
use crate::verbs::times::moment;

/// For people.
pub(super) fn text(past: &[Past], at: u64, width: usize) -> String {
    let mut text =
        wrapped("", &format!("At {}, as the histories have it; routes are those of today.", moment(at)), 2, width);
    for role in Daemon::ALL {
        let said = past.iter().filter(|one| one.error.is_none() && one.role == role);
        let said = said.map(|one| Said {
            daemon: &one.daemon,
            headline: printable(&format!("{} {}", what(role), one.about)),
            sentences: one.was.clone(),
        });
        text += &merged::text(role.name(), said.collect(), width);
    }
    text + &reaches(past, at, width)
}

/// How far the histories reach, those together that say the same.
fn reaches(past: &[Past], at: u64, width: usize) -> String {
    // Of those that reach back to then, what the shortest one has is enough to say.
    let reached =
        past.iter().filter(|one| one.error.is_none()).filter_map(|one| one.oldest.filter(|oldest| *oldest <= at)).max();
    let mut alike: Vec<(bool, String, Vec<&str>)> = Vec::new();
    for Past { daemon, oldest, error, .. } in past {
        let (is_known, words) = match (error, oldest) {
            (Some(why), _) => (false, format!("no history is known: {why}")),
            (None, None) => (false, "there is no history".to_owned()),
            (None, Some(oldest)) if *oldest > at => (
                false,
                format!(
                    "the history begins at {} only; what is told of before is what was found then",
                    moment(*oldest)
                ),
            ),
            (None, Some(oldest)) => {
                (true, format!("the history reaches back to {}", moment(reached.unwrap_or(*oldest))))
            }
        };
        match alike.iter_mut().find(|(_, other, _)| *other == words) {
            Some((_, _, daemons)) => daemons.push(daemon),
            None => alike.push((is_known, words, vec![daemon])),
        }
    }
    let line = |(is_known, words, mut daemons): (bool, String, Vec<&str>)| {
        daemons.sort_unstable();
        let words = printable(&format!("{}: {words}", daemons.join(", ")));
        match is_known {
            true => wrapped("", &Tone::Faint.paint(&words), 2, width),
            false => wrapped(&format!("{} ", Tone::Bad.paint("!")), &words, 2, width),
        }
    };
    alike.into_iter().map(line).collect()
}

/// Whether every history reaches back to then.
pub(super) fn is_whole(past: &[Past], at: u64) -> bool {
    past.iter().all(|one| one.error.is_none() && one.oldest.is_some_and(|oldest| oldest <= at))
}

fn what(role: Daemon) -> &'static str {
    match role {
        Daemon::Proxy => "service",
        Daemon::Nameserver => "pool",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_that_does_not_reach_back_is_said_and_makes_the_answer_no() {
        let past = |daemon: &str, oldest, error: Option<&str>| Past {
            daemon: daemon.to_owned(),
            role: Daemon::Proxy,
            about: "shop".to_owned(),
            oldest,
            was: vec!["latch: web2 was active, since before the history".to_owned()],
            error: error.map(str::to_owned),
        };
        let all =
            [past("px-1", Some(1_000), None), past("px-2", Some(9_000_000), None), past("px-3", None, Some("frozen"))];
        assert!(!is_whole(&all, 2_000) && is_whole(&all[..1], 2_000));
        let text = anstream::adapter::strip_str(&text(&all, 2_000, 200)).to_string();
        for told in [
            "At 1970-01-01 00:00:02Z",
            "proxies px-1, px-2: service shop\n    latch: web2 was active",
            "px-1: the history reaches back to 1970-01-01 00:00:01Z",
            "! px-2: the history begins at 1970-01-01 02:30:00Z only; what",
            "! px-3: no history is known: frozen",
        ] {
            assert!(text.contains(told), "{told} in\n{text}");
        }
    }
}

//! One daemon whose history is read, and how far.

use crate::api::events::{Event, EventsOf, Query};
use crate::counted::counted;
use crate::verbs::endpoint::Endpoint;
use crate::verbs::output::complain;
use crate::verbs::times::moment;

/// Histories that begin so close to each other are told of together, in milliseconds.
const TOGETHER: u64 = 60_000;

/// Where the histories begin, if something before that was asked for: those together that begin within a minute.
pub(super) fn beginnings(sources: &[Source]) -> Option<String> {
    let heard = sources.iter().filter(|source| source.trouble.is_none());
    let mut all: Vec<(u64, &str)> = heard.filter_map(|source| Some((source.oldest?, &*source.name))).collect();
    all.sort_unstable();
    let parts: Vec<String> = all
        .chunk_by(|(one, _), (next, _)| next - one < TOGETHER)
        .map(|together| {
            let mut names: Vec<&str> = together.iter().map(|(_, name)| *name).collect();
            names.sort_unstable();
            let last = together.iter().map(|(oldest, _)| *oldest).max().unwrap_or_default();
            format!("{} by {}", names.join(", "), moment(last))
        })
        .collect();
    (!parts.is_empty()).then(|| format!("nothing older is known: the histories begin, of {}", parts.join("; of ")))
}

/// A daemon.
pub(super) struct Source {
    pub(super) daemon: Endpoint,
    /// Its own name once it has answered.
    pub(super) name: String,
    /// What it is asked for next.
    pub(super) query: Query,
    /// Why it does not answer.
    pub(super) trouble: Option<String>,
    new: Vec<Event>,
    left_out: usize,
    /// It knows nothing of before, and something before was asked for.
    oldest: Option<u64>,
}

impl Source {
    pub(super) fn new(daemon: Endpoint, query: Query) -> Source {
        let name = daemon.label();
        Source { daemon, name, query, trouble: None, new: Vec::new(), left_out: 0, oldest: None }
    }

    /// Takes in its answer. The next question goes on from there: by its place in this life of the daemon, and by the daemon's
    /// own clock if that has been restarted meanwhile.
    pub(super) fn take(&mut self, answer: Result<EventsOf, String>) {
        let EventsOf { daemon, events } = match answer {
            Ok(answer) => answer,
            Err(why) => {
                self.trouble = Some(why);
                return;
            }
        };
        (self.trouble, self.name) = (None, daemon);
        self.left_out = events.left_out;
        self.oldest = events.oldest.filter(|oldest| self.query.since.is_some_and(|since| since < *oldest));
        self.new.extend(events.events);
        (self.query.since, self.query.after) = (Some(events.now), Some(events.read));
    }

    /// What has not been shown, with the daemon's name.
    pub(super) fn take_new(&mut self) -> Vec<(String, Event)> {
        std::mem::take(&mut self.new).into_iter().map(|event| (self.name.clone(), event)).collect()
    }

    /// Says what is missing among what was shown, but for what is older than it knows.
    pub(super) fn complain(&self) {
        let name = &self.name;
        if let Some(why) = &self.trouble {
            complain(&format!("{name} does not answer: {why}; what it alone knows is missing here"));
            return;
        }
        if self.left_out > 0 {
            let left_out = counted(self.left_out, "older event");
            complain(&format!("{name} has {left_out} of that time: ask for less with --until, --service or --kind"));
        }
    }

    /// Says that it answers again, or no longer.
    pub(super) fn tell_change(&self) {
        match &self.trouble {
            Some(_) => self.complain(),
            None => complain(&format!("{} answers again", self.name)),
        }
    }
}

//! The frame of both daemons' pages for a browser: `GET /`, and what of it is live (`GET /live`).
//!
//! Owns the design and everything that both pages have: how the daemon stands, its peers, what happened last. Must never: bring in
//! anything from elsewhere, or need a script. The daemons' `report::page` write what they alone have, with the pieces of
//! [`pieces`]. Every text is escaped: maud does where nothing else is said, and [`text`] shows hidden characters too.

pub mod pieces;

use maud::{DOCTYPE, Markup, html};

use super::admin::AdminReply;
use super::trends::Trends;
use crate::api::daemon::{Daemon, DaemonStatus};
use crate::api::events::{Event, Level};
use crate::config::pages::PagesConfig;
use crate::counted::counted;
use crate::unix_time::unix_ms;
use pieces::{curve, lately, moment, rate, span, text};

/// How many events a page shows.
pub const EVENTS: usize = 25;

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/live.js");

/// What stands beside the document: its style and its script.
pub fn file(path: &str) -> Option<AdminReply> {
    let (content_type, body) = match path {
        "/page.css" => ("text/css; charset=utf-8", STYLE),
        "/page.js" => ("text/javascript; charset=utf-8", SCRIPT),
        _ => return None,
    };
    Some(AdminReply { status: 200, content_type, body: body.into() })
}

/// A page, but for what one of the daemons alone has.
#[derive(Debug)]
pub struct Page<'a> {
    /// How the daemon stands.
    pub daemon: &'a DaemonStatus,
    /// The last hour.
    pub trends: &'a Trends,
    /// The last events, newest first.
    pub events: &'a [Event],
    /// Where the pages of the fleet's daemons are.
    pub pages: &'a PagesConfig,
    /// Names and values of what else stands at the top.
    pub facts: Vec<(&'static str, String)>,
    /// What is not as it should be, each in a few words with its number.
    pub unwell: Vec<String>,
    /// What the daemon serves.
    pub sections: Vec<Markup>,
}

impl Page<'_> {
    /// The whole document.
    pub fn document(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (text(&self.title())) }
                    link rel="stylesheet" href="page.css";
                    script src="page.js" defer {}
                    noscript { meta http-equiv="refresh" content="5"; }
                }
                body {
                    (self.silence())
                    (self.fleet())
                    main id="page" { (self.body()) }
                    footer {
                        p id="link" role="status" { "as it was at " (moment(unix_ms())) }
                        p { "More: " code { "polder status" } ", " code { "polder events" } ", " code { "polder explain" } }
                    }
                }
            }
        };
        page.into_string()
    }

    /// What of it changes: the inside of `main`.
    pub fn live(&self) -> String {
        self.body().into_string()
    }

    fn title(&self) -> String {
        let alarms = self.daemon.alarms.len();
        let alarms = (alarms > 0).then(|| counted(alarms, "alarm"));
        let name = format!("{} {}", self.daemon.role, self.daemon.name);
        alarms.into_iter().chain(self.unwell()).chain([name]).collect::<Vec<_>>().join(", ")
    }

    /// What is not as it should be, besides alarms.
    fn unwell(&self) -> Vec<String> {
        let peers = self.unheard().len();
        let peers = (peers > 0).then(|| format!("{} not heard", counted(peers, "peer")));
        self.unwell.iter().cloned().chain(peers).collect()
    }

    /// What the script shows when the daemon is not heard any more.
    fn silence(&self) -> Markup {
        let name = &self.daemon.name;
        let title = format!("✖ no word from {} {name}", self.daemon.role);
        html! {
            section #silence.alarms role="alert" data-title=(text(&title)) hidden {
                p {
                    b.bad { "✖ no word from " (text(name)) " since " time {} }
                    ": it has stopped, hangs, or is out of reach. What stands below is how it was then."
                }
            }
        }
    }

    /// The peers that are not heard.
    fn unheard(&self) -> Vec<&str> {
        self.daemon.peers.iter().filter(|peer| peer.error.is_some()).map(|peer| &*peer.name).collect()
    }

    /// Links to the pages of the fleet's other daemons. They stand beside what is live: whoever is about to follow one is not to find it
    /// replaced under his finger.
    fn fleet(&self) -> Markup {
        let PagesConfig { proxies, nameservers } = self.pages;
        let roles = [(Daemon::Proxy, "Proxies", proxies), (Daemon::Nameserver, "Nameservers", nameservers)];
        let is_this = |role, name: &str| role == self.daemon.role && *name == self.daemon.name;
        let unheard = self.unheard();
        let class = |role, name: &str| match (role == self.daemon.role, unheard.contains(&name)) {
            (true, true) => Some("peer unheard"),
            (true, false) => Some("peer"),
            (false, _) => None,
        };
        let has_others = roles.iter().any(|(role, _, pages)| pages.keys().any(|name| !is_this(*role, name)));
        html! {
            @if has_others {
                nav aria-label="pages of the fleet" {
                    @for (role, title, pages) in roles {
                        @if !pages.is_empty() {
                            div {
                                span.dim { (title) }
                                ul {
                                    @for (name, url) in pages {
                                        @if is_this(role, name) { li { b aria-current="page" { (text(name)) } } }
                                        @else { li { a class=[class(role, name)] href=(url) { (text(name)) } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn body(&self) -> Markup {
        html! {
            header data-title=(text(&self.title())) {
                h1 { (text(&self.daemon.name)) " " small { (self.daemon.role) } }
                (self.state())
                (self.load())
                @let unwell = self.unwell();
                @if !unwell.is_empty() { p.off { "▲ " (text(&unwell.join(", "))) } }
                dl.facts { @for (name, value) in &self.facts { div { dt { (name) } dd { (text(value)) } } } }
            }
            (self.alarms())
            @for section in &self.sections { (section) }
            (self.peers())
            (self.latest())
            @if self.trends.reach() > 0 {
                p.legend {
                    "Strips and curves show " (lately(self.trends.reach())) ", by the minute: a strip what checks said (tall and red: down), \
                     a curve how much was asked."
                }
            }
        }
    }

    fn state(&self) -> Markup {
        let (class, state) = match self.daemon {
            DaemonStatus { draining: true, .. } => ("off", "◌ draining"),
            // Whether it is asked is said by nameservers, and by operators to them: a proxy knows nothing of that.
            DaemonStatus { ready: true, role: Daemon::Proxy, .. } => ("good", "● ready to serve"),
            DaemonStatus { ready: true, .. } => ("good", "● ready"),
            _ => ("bad", "✖ not ready"),
        };
        html! { p.state.(class) { (state) } }
    }

    /// All that it serves, as one curve.
    fn load(&self) -> Markup {
        let Some(trend) = self.trends.of("") else { return html! {} };
        html! { p.load { (curve(trend, self.trends.reach())) " " b { (rate(trend)) } } }
    }

    fn alarms(&self) -> Markup {
        html! {
            @if !self.daemon.alarms.is_empty() {
                section.alarms aria-label="alarms" {
                    ul { @for alarm in &self.daemon.alarms { li { span.bad { "✖ " } (text(alarm)) } } }
                }
            }
        }
    }

    fn peers(&self) -> Markup {
        html! {
            @if !self.daemon.peers.is_empty() {
                section {
                    h2 { "Peers" }
                    ul.rows {
                        @for peer in &self.daemon.peers {
                            li class=[peer.error.as_ref().map(|_| "unheard")] {
                                b { (text(&peer.name)) }
                                @match &peer.error {
                                    None => span.good { "● heard" },
                                    // It begins with the peer's name, which stands before it here.
                                    Some(error) => span.bad { "✖ not heard " (text(error.strip_prefix(&*peer.name).unwrap_or(error).trim_start())) },
                                }
                                @if let Some(heard) = peer.heard { span.dim { "last heard " (moment(heard)) } }
                                @if !peer.differs.is_empty() {
                                    span.bad { "other latches there: " (text(&peer.differs.join(", "))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn latest(&self) -> Markup {
        html! {
            section.events {
                h2 { "What happened" }
                @if self.events.is_empty() { p.dim { "nothing yet" } }
                ol.rows {
                    @for event in self.events {
                        li {
                            span.dim { (moment(event.at)) }
                            @match event.level {
                                Level::Info => span {},
                                Level::Warning => span.off { "▲ warning" },
                                Level::Error => span.bad { "✖ error" },
                            }
                            span { (text(&event.words)) }
                        }
                    }
                }
            }
        }
    }
}

/// What both daemons say of themselves at the top.
pub fn facts_of(daemon: &DaemonStatus) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("up", span(daemon.uptime_s)),
        ("version", daemon.version.clone()),
        ("generation", daemon.generation.to_string()),
        ("listens on", daemon.listeners.join(", ")),
    ];
    facts.extend(daemon.last_reload.clone().map(|last| ("last reload", last)));
    facts
}

#[cfg(test)]
mod tests;

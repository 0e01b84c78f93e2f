//! From ordered rules, where the first one that holds counts, to a table of hosts and paths, where the narrowest entry counts (pure).
//!
//! All hosts and paths that any rule names make a grid. Each point of it stands for the requests that no rule tells apart, so the
//! first rule that holds for the point is the one that each of them would meet. What the table says anyway, by a wider host or a
//! shorter path, is left out of it again. So the order of the rules is kept exactly, whatever it was.

use std::collections::BTreeSet;

use super::answers;
use super::condition::{Point, covers_path};
use super::error::ImportError;
use super::guards;
use super::headers;
use super::note::Notes;
use super::tree::{Table, Tree};
use crate::config::HostPattern;
use elsewhere::Elsewhere;
use grid::Grid;
use hit::{Hit, Hits};

mod elsewhere;
mod front;
mod grid;
mod hit;

pub use front::{Effect, Front, Rule, Target};

/// What the table says of some hosts and paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The line of the rule that decided.
    pub line: u32,
    /// The words of that rule.
    pub statement: String,
    /// The target.
    pub target: Target,
    /// Never empty.
    pub hosts: Vec<HostPattern>,
    /// Never empty.
    pub paths: Vec<String>,
    /// The service's `tls`.
    pub tls: Option<Tree>,
    /// Requests in clear text are sent to https.
    pub to_https: bool,
    /// Further keys.
    pub settings: Table,
}

/// What is told of a guard of some fronts alone.
const EVERYWHERE: &str = "polder's listeners share all services: it is asked at every listener, also where it was not";

/// What a point comes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Assigned {
    target: Target,
    tls: Option<Tree>,
    to_https: bool,
    settings: Table,
}

/// Turns the rules of all fronts into a table; what it cannot say is told.
///
/// # Errors
///
/// There are too many of them.
pub fn compile(fronts: &[Front], notes: &mut Notes) -> Result<Vec<Placed>, ImportError> {
    let rules = fronts.iter().flat_map(|front| &front.rules);
    let grid = Grid::of(&rules.map(|rule| &rule.condition).collect::<Vec<_>>())?;
    let mut compiler =
        Compiler { fronts, notes, used: BTreeSet::new(), open: BTreeSet::new(), elsewhere: Elsewhere::default() };
    let mut placed: Vec<(Assigned, Placed)> = Vec::new();
    let rows: Vec<Row> = grid.hosts.iter().map(|host| compiler.row(host, &grid.paths)).collect();
    for (n, host) in grid.hosts.iter().enumerate() {
        // Hosts are in the order from wide to narrow: the last that covers this one is what it would be without an entry.
        let wider = (0..n).rev().find(|other| grid.hosts[*other].covers(host));
        let same = match wider {
            Some(wider) => rows[wider].says_the_same_as(&rows[n]),
            None => rows[n].0.is_empty(),
        };
        if same {
            continue;
        }
        let entries = match rows[n].0.is_empty() {
            true => vec![(Assigned::nothing(None), compiler.refusing(host, "/"), vec!["/".to_owned()])],
            false => rows[n].by_assignment(),
        };
        for (assigned, rule, paths) in entries {
            match placed.iter_mut().find(|(other, entry)| *other == assigned && entry.paths == paths) {
                Some((_, entry)) => entry.hosts.push(host.clone()),
                None => {
                    let Assigned { target, tls, to_https, settings } = assigned.clone();
                    let (line, statement) = (rule.line, rule.statement);
                    let hosts = vec![host.clone()];
                    let entry = Placed { line, statement, target, hosts, paths, tls, to_https, settings };
                    placed.push((assigned, entry));
                }
            }
        }
    }
    std::mem::take(&mut compiler.elsewhere).tell(fronts, compiler.notes);
    compiler.tell_of_unused();
    compiler.tell_of_shared_listeners();
    placed.sort_by_key(|(_, entry)| entry.line);
    Ok(placed.into_iter().map(|(_, entry)| entry).collect())
}

/// What is said of one host: paths from short to long, those left out that say what a shorter one does.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row(Vec<(String, Decided, Assigned)>);

/// The rule that decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Decided {
    line: u32,
    statement: String,
}

impl Assigned {
    /// What is below something that is served, and is not: as polder answers what it does not know.
    fn nothing(above: Option<&Assigned>) -> Assigned {
        let answer = Table::new().with("answer", Table::new().with("status", 404));
        let (tls, to_https) = above.map_or((None, false), |above| (above.tls.clone(), above.to_https));
        let settings = above.map(|above| certificates_of(&above.settings)).unwrap_or_default();
        Assigned { target: Target::Own(answer), tls, to_https, settings }
    }
}

/// The certificates of a site's own among its keys.
fn certificates_of(settings: &Table) -> Table {
    let mut own = Table::new();
    own.set_some("tls", settings.get("tls").cloned());
    own
}

impl Row {
    fn says_the_same_as(&self, other: &Row) -> bool {
        let bare = |row: &Row| row.0.iter().map(|(path, _, said)| (path.clone(), said.clone())).collect::<Vec<_>>();
        bare(self) == bare(other)
    }

    fn by_assignment(&self) -> Vec<(Assigned, Decided, Vec<String>)> {
        let mut groups: Vec<(Assigned, Decided, Vec<String>)> = Vec::new();
        for (path, decided, assigned) in &self.0 {
            match groups.iter_mut().find(|(other, ..)| other == assigned) {
                Some((.., paths)) => paths.push(path.clone()),
                None => groups.push((assigned.clone(), decided.clone(), vec![path.clone()])),
            }
        }
        groups
    }
}

struct Compiler<'a> {
    fronts: &'a [Front],
    notes: &'a mut Notes,
    /// Front and rule of all that decide somewhere.
    used: BTreeSet<(usize, usize)>,
    /// Fronts that answer nothing somewhere where another one serves.
    open: BTreeSet<usize>,
    /// Those that another front's rule decides over.
    elsewhere: Elsewhere,
}

impl Compiler<'_> {
    fn row(&mut self, host: &HostPattern, paths: &[String]) -> Row {
        let mut row: Vec<(String, Decided, Assigned)> = Vec::new();
        for path in paths {
            let said = self.assign(host, path);
            let above = row.iter().rev().find(|(other, ..)| covers_path(other, path)).map(|(.., above)| above);
            let (decided, assigned) = match (said, above) {
                (Some(said), _) => said,
                (None, Some(above)) => (self.refusing(host, path), Assigned::nothing(Some(above))),
                (None, None) => continue,
            };
            if above != Some(&assigned) {
                row.push((path.clone(), decided, assigned));
            }
        }
        Row(row)
    }

    /// What the rules say of a point, and the line that decides.
    fn assign(&mut self, host: &HostPattern, path: &str) -> Option<(Decided, Assigned)> {
        let fronts = self.fronts;
        let rule = |hit: &Hit| hit.rule(fronts);
        let decided = |rule: &Rule| Decided { line: rule.line, statement: rule.statement.clone() };
        let at = |tls| (Point { host, path, tls }, Hits::at(fronts, Point { host, path, tls }));
        let ((tls, secure_hits), (no_tls, clear_hits)) = (at(true), at(false));
        let secure = self.decide(tls, &secure_hits, false);
        let served = secure.as_ref().and_then(|hit| Some((hit.clone(), rule(hit).effect.target()?)));
        let clear = self.decide(no_tls, &clear_hits, served.is_some());
        // What is served over TLS is served in clear text, too, unless that is sent to https, or there is nothing.
        let shared = match &clear {
            Some(clear) if rule(clear).effect.target().is_some() => served.as_ref().map(|(hit, _)| hit),
            _ => None,
        };
        for (hits, chosen) in [(&secure_hits, secure.as_ref()), (&clear_hits, shared.or(clear.as_ref()))] {
            if let Some(chosen) = chosen {
                self.tell_of_others(hits, rule(chosen), host, path);
            }
        }
        let Some((mut hit, target)) = served else {
            let hit = clear?;
            if rule(&hit).effect == Effect::ToHttps {
                return Some((decided(rule(&hit)), self.sent_to_https(secure.as_ref())));
            }
            let target = rule(&hit).effect.target()?;
            return Some((decided(rule(&hit)), self.guarded(hit, target, None, false)));
        };
        let to_https = match &clear {
            Some(clear) if rule(clear).effect != Effect::Refuse => {
                self.share_guards(&mut hit, clear);
                rule(clear).effect == Effect::ToHttps
            }
            _ => self.goes_to_https(rule(&hit)),
        };
        let (decided, tls) = (decided(rule(&hit)), fronts[hit.front].tls.clone());
        Some((decided, self.guarded(hit, target, tls, to_https)))
    }

    /// What goes to https, where nothing is served.
    fn sent_to_https(&self, secure: Option<&Hit>) -> Assigned {
        let front = match secure {
            Some(hit) => self.fronts.get(hit.front),
            None => self.fronts.iter().find(|front| front.tls.is_some()),
        };
        let settings = secure.map(|hit| certificates_of(&hit.settings)).unwrap_or_default();
        match front.and_then(|front| front.tls.clone()) {
            Some(tls) => Assigned { tls: Some(tls), to_https: true, settings, ..Assigned::nothing(None) },
            None => {
                let redirect = Table::new().with("status", 308).with("scheme", "https");
                let target = Target::Own(Table::new().with("redirect", redirect));
                Assigned { target, tls: None, to_https: false, settings: Table::new() }
            }
        }
    }

    /// What a point comes to, with its guards; where they leave nobody, it is answered 403.
    fn guarded(&mut self, hit: Hit, target: Target, tls: Option<Tree>, to_https: bool) -> Assigned {
        let Hit { mut settings, .. } = hit;
        for n in hit.lost {
            let rule = &self.fronts[hit.front].rules[n];
            let why =
                "a service has one rate limit, and has that of another rule already; what it refuses is served here";
            self.notes.left_out(rule.line, &rule.statement, why);
        }
        if !guards::leave_nobody(&mut settings) {
            return Assigned { target, tls, to_https, settings };
        }
        let rule = &self.fronts[hit.front].rules[hit.rule];
        let why = "no visitor passes all rules about who may come here, or polder cannot ask them all; it is answered 403 until you say who may";
        self.notes.left_out(rule.line, &rule.statement, why);
        Assigned { target: Target::Own(answers::answer(403, None, "")), tls, to_https, settings }
    }

    /// polder's listeners share a service: it has the guards of all fronts in which it is reached.
    fn share_guards(&mut self, chosen: &mut Hit, other: &Hit) {
        let fronts = self.fronts;
        let guards_of = |hit: &Hit| hit.guards(fronts).collect::<Vec<&Rule>>();
        let (here, there) = (guards_of(chosen), guards_of(other));
        let answers = other.rule(fronts).effect.target().is_some();
        let missing = |rule: &&&Rule, others: &[&Rule]| !others.iter().any(|other| other.effect == rule.effect);
        for rule in there.iter().filter(|rule| missing(rule, &here)) {
            let later = if let Effect::Set(later) = &rule.effect { later } else { continue };
            if !answers {
                let why = "requests in clear text are sent to https before they are looked at; what it refuses is served here";
                self.notes.left_out(rule.line, &rule.statement, why);
            } else if guards::lose_a_rate(&chosen.settings, later) {
                let why =
                    "another listener has another rate limit, and a service has one; what it refuses is served here";
                self.notes.left_out(rule.line, &rule.statement, why);
            } else {
                self.notes.changed(rule.line, &rule.statement, EVERYWHERE);
            }
        }
        if answers {
            here.iter().filter(|rule| missing(rule, &there)).for_each(|rule| {
                self.notes.changed(rule.line, &rule.statement, EVERYWHERE);
            });
            headers::apply(&mut chosen.settings, &guards::of(&other.settings));
        }
    }

    /// What is reached over TLS alone, where there are listeners in clear text, which share all services.
    fn goes_to_https(&mut self, rule: &Rule) -> bool {
        let any_clear = self.fronts.iter().any(|front| front.clear);
        if any_clear {
            let why = "is reached over TLS alone; polder sends requests in clear text to https ahead of it";
            self.notes.changed(rule.line, &rule.statement, why);
        }
        any_clear
    }

    /// The rule that decides at a point. Where TLS serves the requests, that is a redirect to https, whichever front has it, so that
    /// nothing is served in clear text that was not. Else it is of several fronts the first that has something to say of
    /// this host, else the first.
    fn decide(&mut self, point: Point<'_>, hits: &Hits, tls_serves: bool) -> Option<Hit> {
        let fronts = self.fronts;
        let all = &hits.all;
        let redirects = |hit: &&Hit| tls_serves && hit.rule(fronts).effect == Effect::ToHttps;
        let named = |hit: &&Hit| all.len() > 1 && hit.names_host(fronts, point);
        let first = all.iter().find(redirects).or_else(|| all.iter().find(named));
        let mut chosen = first.or(all.first())?.clone();
        let winner = chosen.rule(fronts);
        self.used.insert((chosen.front, chosen.rule));
        if winner.effect != Effect::Refuse {
            self.open.extend(&hits.silent);
        }
        let front = chosen.front;
        for loser in all.iter().filter(|hit| hit.front != front) {
            match (winner.effect.target(), loser.rule(fronts).effect.target()) {
                (Some(_), Some(_)) => self.share_guards(&mut chosen, loser),
                (None, Some(_)) => loser.guards(fronts).for_each(|rule| {
                    let why = "another listener sends its requests elsewhere; what it refuses is served here";
                    self.notes.left_out(rule.line, &rule.statement, why);
                }),
                _ => {}
            }
            let asked = guards::asked_for(fronts[loser.front].tls.as_ref()).filter(|_| point.tls);
            if asked.is_some() && asked != guards::asked_for(fronts[front].tls.as_ref()) {
                let Front { line, statement, .. } = &fronts[loser.front];
                let why = "it asks visitors for certificates, and another frontend, which has the same services, does not; what it refuses is served here";
                self.notes.left_out(*line, statement, why);
            }
        }
        for Rule { line, statement, effect, .. } in all.iter().map(|hit| hit.rule(fronts)).filter(|_| point.tls) {
            if *effect == Effect::ToHttps {
                let why = "over TLS it leads to where the visitor is already: there it sends nobody";
                self.notes.left_out(*line, statement, why);
            }
        }
        Some(chosen)
    }

    /// Tells of all rules that would have had these requests do something else.
    fn tell_of_others(&mut self, hits: &Hits, winner: &Rule, host: &HostPattern, path: &str) {
        for loser in hits.all.iter().filter(|hit| hit.rule(self.fronts).effect != winner.effect) {
            self.used.insert((loser.front, loser.rule));
            self.elsewhere.add((loser.front, loser.rule), winner, host, path);
        }
    }

    /// The rule by which nothing answers a point, or where its front begins.
    fn refusing(&self, host: &HostPattern, path: &str) -> Decided {
        let at = |tls| Point { host, path, tls };
        let hit = |tls: bool, front: &'_ Front| {
            let speaks = if tls { front.tls.is_some() } else { front.clear };
            Hit::of(front, 0, at(tls)).filter(|_| speaks).map(|hit| hit.rule)
        };
        let rules = [false, true]
            .into_iter()
            .flat_map(|tls| self.fronts.iter().filter_map(move |front| Some(&front.rules[hit(tls, front)?])));
        let found = rules.map(|rule| Decided { line: rule.line, statement: rule.statement.clone() }).next();
        let front = self.fronts.first();
        found
            .or(front.map(|front| Decided { line: front.line, statement: front.statement.clone() }))
            .unwrap_or_default()
    }

    fn tell_of_unused(&mut self) {
        for (f, front) in self.fronts.iter().enumerate() {
            for (r, rule) in front.rules.iter().enumerate() {
                if rule.effect.target().is_some() && !self.used.contains(&(f, r)) {
                    let why = match front.clear || front.tls.is_some() {
                        true => "no request comes to it: the rules before it have them all",
                        false => "no request comes to it: none of its listeners could be taken",
                    };
                    self.notes.left_out(rule.line, &rule.statement, why);
                }
            }
        }
    }

    /// polder has one table for all listeners.
    fn tell_of_shared_listeners(&mut self) {
        for speaks in [|front: &Front| front.clear, |front: &Front| front.tls.is_some()] {
            let sends = |front: &&Front| front.rules.iter().any(|rule| rule.effect.target().is_some());
            let serving = self.fronts.iter().filter(|front| speaks(front)).filter(sends);
            for front in serving.skip(1) {
                self.notes.changed(
                    front.line,
                    &front.statement,
                    "polder's listeners share all services: what is reached here is reached at the others, too, under the same hosts",
                );
            }
        }
        for front in self.open.iter().map(|front| &self.fronts[*front]) {
            let why = "polder's listeners share all services: what nothing answers here is answered as at the others";
            self.notes.changed(front.line, &front.statement, why);
        }
    }
}

#[cfg(test)]
mod tests;

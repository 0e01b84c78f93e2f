//! Which rule of a front has the requests of a point (pure).

use super::front::{Effect, Front, Rule};
use crate::config::HostPattern;
use crate::import::condition::Point;
use crate::import::tree::Table;
use crate::import::{guards, headers};

/// The first rule of a front that decides at a point.
#[derive(Debug, Clone)]
pub struct Hit {
    pub front: usize,
    pub rule: usize,
    /// The keys that rules before it set.
    pub settings: Table,
    /// The rules before it that refuse requests.
    pub guards: Vec<usize>,
    /// Those of them that a service has no room for.
    pub lost: Vec<usize>,
}

/// What all fronts say of a point.
#[derive(Debug)]
pub struct Hits {
    /// In the order of the fronts.
    pub all: Vec<Hit>,
    /// The fronts whose listeners get these requests, and none of whose rules holds for them.
    pub silent: Vec<usize>,
}

impl Hits {
    /// Of the fronts whose listeners speak like the point.
    pub fn at(fronts: &[Front], point: Point<'_>) -> Hits {
        let mut hits = Hits { all: Vec::new(), silent: Vec::new() };
        let speaks = |front: &Front| if point.tls { front.tls.is_some() } else { front.clear };
        for (place, front) in fronts.iter().enumerate().filter(|(_, front)| speaks(front)) {
            match Hit::of(front, place, point) {
                Some(hit) => hits.all.push(hit),
                None => hits.silent.push(place),
            }
        }
        hits
    }
}

impl Hit {
    /// Of the front at this place.
    pub fn of(front: &Front, place: usize, point: Point<'_>) -> Option<Hit> {
        let (mut settings, mut guards, mut lost) = (Table::new(), Vec::new(), Vec::new());
        for (n, rule) in front.rules.iter().enumerate() {
            if rule.condition.holds(point) {
                match &rule.effect {
                    Effect::Set(table) => {
                        if rule.effect.guards() {
                            guards.push(n);
                        }
                        if guards::lose_a_rate(&settings, table) {
                            lost.push(n);
                        }
                        headers::apply(&mut settings, table);
                    }
                    _ => return Some(Hit { front: place, rule: n, settings, guards, lost }),
                }
            }
        }
        None
    }

    /// The rule that decides.
    pub fn rule<'a>(&self, fronts: &'a [Front]) -> &'a Rule {
        &fronts[self.front].rules[self.rule]
    }

    /// The rules before it that refuse requests.
    pub fn guards<'a>(&self, fronts: &'a [Front]) -> impl Iterator<Item = &'a Rule> {
        self.guards.iter().map(|n| &fronts[self.front].rules[*n])
    }

    /// Whether the front has something else to say of this host than of all others. That a condition has hosts in it is not
    /// enough: `deny unless { hdr(host) www.example.net }` is about none of the others in particular.
    pub fn names_host(&self, fronts: &[Front], point: Point<'_>) -> bool {
        let anywhere = Hit::of(&fronts[self.front], self.front, Point { host: &HostPattern::Any, ..point });
        anywhere.is_none_or(|anywhere| anywhere.rule != self.rule)
    }
}

//! Which visitors a service serves, by their networks (pure).
//!
//! The most specific network that a visitor is in decides. So that ten thousand of them cost a request no more than ten, they are cut
//! into the ranges of addresses between which the answer changes, and the range is found by bisection.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::proxy::AccessConfig;

/// What is said of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Its visitors are served.
    Allow,
    /// They are refused.
    Deny,
}

/// What decided about a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// The most specific network that he is in.
    By(Rule, IpNet),
    /// He is in none of the networks, of which none is allowed.
    NotDenied,
    /// He is in none of the networks, and some are allowed.
    NotAllowed,
    /// A trusted proxy did not say who he is.
    Unknown,
}

impl Ruling {
    /// He is served.
    pub fn serves(self) -> bool {
        matches!(self, Ruling::By(Rule::Allow, _) | Ruling::NotDenied)
    }
}

impl fmt::Display for Ruling {
    /// What follows after the visitor's address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ruling::By(Rule::Allow, network) => write!(f, "is allowed by allow {network}"),
            Ruling::By(Rule::Deny, network) => write!(f, "is denied by deny {network}"),
            Ruling::NotDenied => f.write_str("is in no network of deny, and so allowed"),
            Ruling::NotAllowed => f.write_str("is in no network of allow, and so denied"),
            Ruling::Unknown => f.write_str("is not named by the trusted proxy that it came by, and so denied"),
        }
    }
}

/// The networks of a service.
#[derive(Debug)]
pub struct Access {
    rules: Box<[(Rule, IpNet)]>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    /// Whoever is in none of them.
    otherwise: Ruling,
}

impl Access {
    /// Lays them out; none if everybody is served.
    pub fn new(config: &AccessConfig) -> Option<Access> {
        if config.is_open() {
            return None;
        }
        let allow = config.allow.iter().map(|network| (Rule::Allow, *network));
        let rules: Box<[_]> = allow.chain(config.deny.iter().map(|network| (Rule::Deny, *network))).collect();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (place, (_, network)) in rules.iter().enumerate() {
            match network {
                IpNet::V4(net) => v4.push(Span::new(net.network().to_bits(), net.broadcast().to_bits(), place)),
                IpNet::V6(net) => v6.push(Span::new(net.network().to_bits(), net.broadcast().to_bits(), place)),
            }
        }
        let otherwise = if config.allow.is_empty() { Ruling::NotDenied } else { Ruling::NotAllowed };
        Some(Access {
            rules,
            v4: Ranges::new(v4, |end| end.checked_add(1)),
            v6: Ranges::new(v6, |end| end.checked_add(1)),
            otherwise,
        })
    }

    /// What decides about a visitor; none: nobody knows who he is.
    pub fn judge(&self, visitor: Option<IpAddr>) -> Ruling {
        let place = match visitor.map(|address| address.to_canonical()) {
            None => return Ruling::Unknown,
            Some(IpAddr::V4(v4)) => self.v4.find(v4.to_bits()),
            Some(IpAddr::V6(v6)) => self.v6.find(v6.to_bits()),
        };
        place
            .and_then(|place| self.rules.get(place))
            .map_or(self.otherwise, |(rule, network)| Ruling::By(*rule, *network))
    }
}

/// From the first to the last address of a network, and its place among the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span<A> {
    first: A,
    last: A,
    place: usize,
}

impl<A> Span<A> {
    fn new(first: A, last: A, place: usize) -> Span<A> {
        Span { first, last, place }
    }
}

/// Where each range begins, in rising order, and the rule that holds there until the next one begins.
#[derive(Debug)]
struct Ranges<A>(Box<[(A, Option<usize>)]>);

impl<A: Ord + Copy> Ranges<A> {
    /// Of networks, of which two are one within the other or apart from each other. `after`: the address after one, if there is any.
    fn new(mut spans: Vec<Span<A>>, after: impl Fn(A) -> Option<A>) -> Ranges<A> {
        // Of those that begin together the widest first.
        spans.sort_by_key(|span| (span.first, std::cmp::Reverse(span.last)));
        let mut ranges = Ranges::begin();
        // Those that the sweep is in, the most specific on top.
        let mut within: Vec<Span<A>> = Vec::new();
        for span in spans {
            ranges.leave(&mut within, |last| last < span.first, &after);
            ranges.put(span.first, Some(span.place));
            within.push(span);
        }
        ranges.leave(&mut within, |_| true, &after);
        Ranges(ranges.0.into_boxed_slice())
    }

    fn find(&self, address: A) -> Option<usize> {
        let begun = self.0.partition_point(|(start, _)| *start <= address);
        self.0.get(begun.checked_sub(1)?)?.1
    }

    fn begin() -> Growing<A> {
        Growing(Vec::new())
    }
}

/// Ranges as the sweep has found them so far.
struct Growing<A>(Vec<(A, Option<usize>)>);

impl<A: Ord + Copy> Growing<A> {
    /// A range begins; one that began at the same address has no length.
    fn put(&mut self, start: A, place: Option<usize>) {
        match self.0.last_mut() {
            Some(last) if last.0 == start => last.1 = place,
            _ => self.0.push((start, place)),
        }
    }

    /// Behind each network that is over, the one around it goes on.
    fn leave(&mut self, within: &mut Vec<Span<A>>, is_over: impl Fn(A) -> bool, after: impl Fn(A) -> Option<A>) {
        while let Some(span) = within.pop_if(|span| is_over(span.last)) {
            if let Some(start) = after(span.last) {
                self.put(start, within.last().map(|around| around.place));
            }
        }
    }
}

#[cfg(test)]
mod tests;

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use super::*;
use crate::api::operator::OperatorState;
use crate::daemon::operator::OperatorStates;

const NAMES: [&str; 3] = ["ns-1", "ns-2", "ns-3"];

fn at(ms: u64) -> Now {
    Now { running: Duration::from_millis(ms), unix_ms: 1_000_000 + ms }
}

type Message = (&'static str, OperatorStates, ProposalsMessage);

/// A daemon whose pool has the members `m0`, `m1`, ...; a test passes its messages on.
struct Daemon {
    name: &'static str,
    peers: Vec<String>,
    members: usize,
    /// How far its clock is ahead.
    ahead: u64,
    states: OperatorStates,
    proposals: Proposals<()>,
}

impl Daemon {
    fn start(name: &'static str, count: usize, members: usize) -> Daemon {
        let peers = NAMES[..count].iter().filter(|other| **other != name).map(|peer| (*peer).to_owned()).collect();
        Daemon { name, peers, members, ahead: 0, states: OperatorStates::default(), proposals: Proposals::default() }
    }

    fn left(&self, taken: &BTreeSet<&str>) -> usize {
        let is_left = |subject: &String| !self.is_away(subject) && !taken.contains(&**subject);
        (0..self.members).map(|member| format!("m{member}")).filter(is_left).count()
    }

    fn is_away(&self, subject: &str) -> bool {
        self.states.state(subject, 0) != OperatorState::Ready
    }

    fn judge(&self, subject: &str, rivals: &Rivals<'_>) -> Result<(), Refused> {
        let others = self.left(&rivals.taken) - usize::from(!rivals.taken.contains(subject) && !self.is_away(subject));
        match others <= rivals.silent.len() {
            true if rivals.silent.is_empty() => Err(Refused("it is the last one".into())),
            true => Err(Refused(rivals.silence())),
            false => Ok(()),
        }
    }

    fn take(&mut self, subject: &str, now: Now) -> Result<Ticket, Refused> {
        let date = (now.unix_ms + self.ahead).max(self.states.latest(u64::MAX).max(self.proposals.latest()) + 1);
        let (state, by) = (OperatorState::Drain, self.name.to_owned());
        let note =
            OperatorNote { state, who: "a test".into(), when: date, since: None, by, why: String::new(), until: None };
        self.judge(subject, &self.proposals.rivals(subject, now))?;
        Ok(self.proposals.propose(subject, note, now).unwrap())
    }

    fn decide(&mut self, now: Now) {
        while let Some((ticket, decided)) =
            self.proposals.next(&self.peers, now, |subject, rivals| self.judge(subject, rivals))
        {
            let outcome = decided.map(|proposal| self.states.set(&proposal.subject, proposal.note));
            self.proposals.decide(ticket, outcome);
        }
    }

    fn message(&self) -> Message {
        (self.name, self.states.clone(), self.proposals.to_peers())
    }

    fn receive(&mut self, (from, states, put): Message, now: Now) {
        self.states.merge(&states, 0);
        self.proposals.receive(from, put, now);
        self.decide(now);
    }
}

#[test]
fn of_two_who_take_the_last_two_members_at_once_one_loses_whatever_the_order_of_messages() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..2_000 {
        let count = random.usize(2..=3);
        let members = random.usize(2..=count);
        let mut daemons: Vec<Daemon> = NAMES[..count].iter().map(|name| Daemon::start(name, count, members)).collect();
        daemons.iter_mut().for_each(|daemon| daemon.ahead = random.u64(0..5) * 3_600_000);
        let mut tickets = Vec::new();
        let mut commands: Vec<(usize, String)> = (0..members).map(|one| (one, format!("m{one}"))).collect();
        let mut now = 0;
        let mut under_way = Vec::new();
        // Messages are lost or late as they like; in the end each is delivered.
        for step in 0..200 {
            now += 1;
            if !commands.is_empty() && (step > 100 || random.u8(0..5) == 0) {
                let (one, subject) = commands.remove(random.usize(0..commands.len()));
                tickets.push((one, daemons[one].take(&subject, at(now))));
            }
            let from = random.usize(0..count);
            let to = (from + random.usize(1..count)) % count;
            if step > 150 || random.bool() {
                daemons[to].hear_from(from, &mut under_way, now);
            }
            let message = daemons[from].message();
            under_way.retain(|(other, other_to, _): &(usize, usize, Message)| (*other, *other_to) != (from, to));
            under_way.push((from, to, message));
        }
        for pass in 0..4 {
            for from in 0..count {
                for to in (0..count).filter(|to| *to != from) {
                    let message = daemons[from].message();
                    daemons[to].receive(message, at(now + pass));
                }
            }
        }
        let none = BTreeSet::new();
        let left: Vec<usize> = daemons.iter().map(|daemon| daemon.left(&none)).collect();
        assert!(left.iter().all(|left| *left > 0), "round {round}: {left:?} are left");
        for (one, ticket) in tickets {
            let Ok(ticket) = ticket else { continue };
            assert!(daemons[one].proposals.outcome(ticket).is_some(), "round {round}: every command is answered");
        }
    }
}

impl Daemon {
    /// Takes the message that is under way from a peer to whoever this is.
    fn hear_from(&mut self, from: usize, under_way: &mut Vec<(usize, usize, Message)>, now: u64) {
        let own = NAMES.iter().position(|name| *name == self.name).unwrap();
        if let Some(found) = under_way.iter().position(|(other, to, _)| (*other, *to) == (from, own)) {
            let (_, _, message) = under_way.remove(found);
            self.receive(message, at(now));
        }
    }
}

#[test]
fn a_silent_peer_could_take_one_away_too_so_that_one_more_must_be_left() {
    let mut alone = Daemon::start("ns-1", 2, 2);
    let ticket = alone.take("m0", at(0)).unwrap();
    alone.decide(at(1_999));
    assert_eq!(alone.proposals.outcome(ticket), None, "it has its time");
    assert_eq!(alone.proposals.wakes(), Some(LIMIT));
    alone.decide(at(2_000));
    let Refused(refused) = alone.proposals.outcome(ticket).unwrap().clone().unwrap_err();
    assert!(refused.contains("ns-2 did not answer within 2s"), "{refused}");
    let mut more = Daemon::start("ns-1", 2, 3);
    let ticket = more.take("m0", at(0)).unwrap();
    more.decide(at(2_000));
    assert_eq!(more.proposals.outcome(ticket), Some(&Ok(())));
}

#[test]
fn what_a_peer_that_died_had_proposed_stops_to_count() {
    let (mut one, mut two) = (Daemon::start("ns-1", 2, 2), Daemon::start("ns-2", 2, 2));
    two.take("m1", at(0)).unwrap();
    one.receive(two.message(), at(0));
    one.take("m0", at(10)).unwrap_err();
    one.take("m0", at(5_000)).unwrap();
}

#[test]
fn an_echo_of_an_earlier_proposal_is_none_of_this_one() {
    let (mut one, mut two) = (Daemon::start("ns-1", 2, 3), Daemon::start("ns-2", 2, 3));
    one.take("m0", at(0)).unwrap();
    two.receive(one.message(), at(1));
    let stale = two.message();
    one.proposals = Proposals::default();
    let ticket = one.take("m0", at(2)).unwrap();
    one.receive(stale, at(3));
    assert_eq!(one.proposals.outcome(ticket), None);
}

#[test]
fn of_a_peer_that_puts_more_than_a_daemon_may_no_more_is_echoed() {
    let ready = |number: u64| OperatorNote {
        state: OperatorState::Drain,
        who: "a test".to_owned(),
        when: number,
        since: None,
        by: "two".to_owned(),
        why: String::new(),
        until: None,
    };
    let proposed = (0..10 * MOST as u64).map(|number| (format!("pool/{number:05}"), ready(number))).collect();
    let message = ProposalsMessage { proposed, ..ProposalsMessage::default() };
    assert_eq!(message.vetted("one", 0, |_| true).proposed.len(), MOST);
}

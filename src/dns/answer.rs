//! The answer engine: a query's bytes and a snapshot in, a response's bytes out.
//!
//! Pure: no clock, no socket, no counter. Must never allocate (but for queries that are signed, which only other nameservers send), log or
//! fail: every query gets a response, or is one that must not get any. Called by the UDP and TCP loops for each message.
//!
//! The algorithm is RFC 1034's (4.3.2), with RFC 2308 (negative answers), 4592 (wildcards), 6672 (DNAME), 6891 (EDNS),
//! 8482 (ANY), 8906 (unexpected queries), 9471 (glue), 9619 (one question), 7873 and 9018 (cookies). Positive
//! answers carry no authority section: nobody needs it, and it would only make them longer. Optional additional
//! records go only to clients whose address is proved: for others they would amplify forged queries. Of signed zones, whoever
//! asks for it (DO) gets each set's signatures, and the proof of what is not there (RFC 4035, 3.1).

mod about_server;
mod answered;
mod begun;
mod chain;
mod client;
mod cut;
mod denial;
mod extended;
mod freshness;
mod nearness;
mod notify;
mod opt;
mod opt_out;
mod proofs;
mod query;
mod signed;
mod told;
mod writer;

use std::net::IpAddr;

use crate::dns::compiled::{Authority, Found, Node, RrSet, Slot, Zone, Zones};
use crate::dns::cookie::Standing;
use crate::dns::rate_limit::{Account, Class};
use crate::dns::snapshot::{PoolAnswer, Snapshot};
use crate::dns::tsig::Key;
use crate::zone::name::Name;
use crate::zone::number::{rcode, rtype};

use about_server::about_server;
use begun::{Begun, Besides, begin};
use chain::CHAIN;
use nearness::Nearness;
use proofs::{Denied, Proofs};
use query::Refusal;
use signed::Signed;
use writer::{Owner, Section};

pub use answered::Answered;
pub use client::{Client, Transport};
pub use cut::cut;
pub use extended::Extended;
pub use freshness::freshness;
pub use notify::notify;
pub use opt::Opt;
pub use query::{HEADER, TransferKind, TransferQuery, TsigPlace, asks_for_keepalive};
pub use writer::{Full, UDP_SIZE, Writer};

/// Answers a message. `None`: it is a response or a runt, and gets none. `rotation` is where a set of
/// addresses begins. Callers give a random one: who asks for A and AAAA in turn would meet a count at every second
/// number only, and with two members always at the same one. The buffer has at least [`UDP_SIZE`] bytes over UDP, 65535 over TCP.
pub fn answer(
    message: &[u8],
    snapshot: &Snapshot,
    client: &Client<'_>,
    rotation: usize,
    buffer: &mut [u8],
) -> Option<Answered> {
    answer_to(message, snapshot, (client, None), rotation, buffer)
}

/// The same of a message that was signed with this key, or with none.
fn answer_to(
    message: &[u8],
    snapshot: &Snapshot,
    (client, key): (&Client<'_>, Option<&Key>),
    rotation: usize,
    buffer: &mut [u8],
) -> Option<Answered> {
    let besides =
        Besides { server: snapshot.identity.server.as_deref(), goes_by_subnets: !snapshot.locations.is_empty() };
    // They are large, and stay where they are.
    let mut name = Name::ROOT;
    let mut begun = begin((message, &mut name), client, besides, buffer);
    let Begun { writer, read, opt, standing } = begun.as_mut()?;
    let standing = *standing;
    if let Err(Refusal { tsig: Some(place), edns, question_end, .. }) = read {
        let signed = Signed { message, place: *place, edns: *edns, question_end: question_end.unwrap_or(HEADER) };
        let keys = snapshot.transfers.keys();
        return signed.answer(keys, client, buffer, |bare, key, buffer| {
            answer_to(bare, snapshot, (client, Some(key)), rotation, buffer)
        });
    }
    let (mut account, mut slot, mut extended) = (Account::ERROR, None, None);
    let rcode = match read {
        // A query for a cookie alone says so if the one that it has is not good (RFC 7873, 5.4).
        Err(Refusal { rcode: rcode::NOERROR, .. }) if standing == Standing::Bad => rcode::BADCOOKIE,
        Err(Refusal { rcode, .. }) => {
            extended = Some(Extended::Prohibited).filter(|_| *rcode == rcode::REFUSED);
            *rcode
        }
        Ok(query) if nearness::is_malformed(query.edns.as_ref(), &snapshot.locations) => rcode::FORMERR,
        Ok(query) if query.about_server => {
            account.class = Class::Answer;
            about_server(&name, &snapshot.identity, writer)
        }
        Ok(query) => {
            let shown = client.transport != Transport::Udp || standing == Standing::Good;
            let (account, slot, extended) = (&mut account, &mut slot, &mut extended);
            let sender = client.issuer.map(|issuer| issuer.address);
            let mut reply = Reply {
                writer,
                snapshot,
                rotation,
                qtype: query.qtype,
                shown,
                client: (sender, key),
                nearness: Nearness::of(query.edns.as_ref(), sender, &snapshot.locations),
                account,
                slot,
                extended,
                dnames: [None; CHAIN + 1],
                proofs: Proofs::default(),
            };
            let rcode = reply.resolve(&name);
            reply.prove();
            if let Some((_, scope)) = opt.as_mut().and_then(|opt| opt.subnet.as_mut()) {
                *scope = reply.nearness.scope();
            }
            rcode
        }
    };
    let truncated = writer.truncated();
    if let Some(opt) = opt {
        opt.extended = extended;
    }
    Some(Answered {
        length: writer.finish(rcode, opt.as_ref(), None),
        rcode,
        truncated,
        account,
        cookie: standing,
        slot,
    })
}

/// One query being answered.
struct Reply<'a, 'b> {
    writer: &'a mut Writer<'b>,
    snapshot: &'a Snapshot,
    rotation: usize,
    qtype: u16,
    /// The client's address is proved (TCP, or a valid cookie).
    shown: bool,
    /// His address, if it is known, and the key that his query is signed with: by these he may have catalogs.
    client: (Option<IpAddr>, Option<&'a Key>),
    /// Which members of pools are near to whom the query is for.
    nearness: Nearness<'a>,
    /// Told by the first name of a chain: those behind it are none that a client chooses.
    account: &'a mut Account,
    /// Told by the same name.
    slot: &'a mut Option<Slot>,
    /// Why the response is as it is, if there is something to say.
    extended: &'a mut Option<Extended>,
    /// The DNAMEs in the answer, by where they are; the first ones filled: a chain may come back to one.
    dnames: [Option<&'a [u8]>; CHAIN + 1],
    /// What proves that names and types are not there, and is not written yet.
    proofs: Proofs<'a>,
}

/// The outcome of one name of a chain.
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation for each query with a CNAME")]
enum Step {
    /// The response is complete.
    Done(u16),
    /// A CNAME leads on, to this name, which stands at that offset of the response; at none if the response is cut.
    Onward(Name, Option<usize>),
}

impl<'a> Reply<'a, '_> {
    /// Follows the name through our zones, a chain of CNAMEs and DNAMEs included. Gives the response code: that of
    /// the last name (RFC 6604, 3), whether or not its records fit.
    fn resolve(&mut self, asked: &Name) -> u16 {
        let zones: &'a Zones = &self.snapshot.zones;
        let mut target: Option<Name> = None;
        let mut places = [HEADER; CHAIN + 1];
        for step in 0..=CHAIN {
            let name = target.as_ref().unwrap_or(asked);
            let (authority, slot) = zones.zone_and_slot_of(name, self.qtype);
            if step == 0 {
                *self.slot = slot;
            }
            let zone = match authority {
                Authority::Zone(zone) if !zone.is_catalog || self.may_have(zone) => zone,
                Authority::Unavailable { is_awaited } if step == 0 => {
                    let why = if is_awaited { Extended::NotReady } else { Extended::InvalidData };
                    *self.extended = Some(why);
                    return rcode::SERVFAIL;
                }
                // Who may not have a catalog does not learn that it is here.
                Authority::Zone(_) | Authority::Elsewhere if step == 0 => {
                    *self.extended = Some(Extended::NotAuthoritative);
                    return rcode::REFUSED;
                }
                // The resolver goes on from the chain's last name; another nameserver may have its zone.
                Authority::Zone(_) | Authority::Unavailable { .. } | Authority::Elsewhere => return rcode::NOERROR,
            };
            match self.step(zone, name, places[step], step == 0) {
                Step::Done(rcode) => return rcode,
                Step::Onward(next, Some(place)) => {
                    if places[..=step].iter().any(|earlier| self.writer.is_name(*earlier, next.as_bytes())) {
                        return rcode::NOERROR;
                    }
                    places[(step + 1).min(CHAIN)] = place;
                    target = Some(next);
                }
                Step::Onward(next, None) => target = Some(next),
            }
        }
        rcode::NOERROR
    }

    /// Whether he may have a zone whole: what a catalog names is nobody else's matter (RFC 9432, 7).
    fn may_have(&self, zone: &Zone) -> bool {
        let (address, key) = self.client;
        let rules = self.snapshot.transfers.of(&zone.apex);
        rules.zip(address).is_some_and(|(rules, address)| rules.allow(address, key))
    }

    fn step(&mut self, zone: &'a Zone, name: &Name, place: usize, first: bool) -> Step {
        let found = zone.find(name, self.qtype);
        if let Some(challenges) = &self.snapshot.challenges
            && let Some(said) = challenges.at(name)
            && let Some(step) = self.challenge(zone, name, &found, said, (place, first))
        {
            return step;
        }
        let wanted = match found {
            Found::Node(node) => self.wanted(node),
            _ => None,
        };
        if first {
            *self.account = account_of(zone, &found, wanted.is_some());
            // AA speaks of the first name of the answer section (RFC 1035, 4.1.1).
            if !matches!(found, Found::Cut(_)) {
                self.writer.set_authoritative();
            }
        }
        match found {
            Found::Node(node) => self.node(zone, (node, wanted), name, place),
            Found::Cut(node) => self.referral(zone, node),
            Found::Dname { set, owner, label } => self.dname(set, owner, name, label, place),
            Found::Nothing { encloser } => self.negative(zone, name, Denied::Name { encloser }),
        }
    }

    /// Writes records that the response cannot do without, and gives the offset of the last one's data. If they do not
    /// fit, the response is cut there: names are followed further for the response code alone.
    fn must_fit(&mut self, write: impl FnOnce(&mut Writer<'_>) -> Result<usize, Full>) -> Option<usize> {
        if self.writer.truncated() {
            return None;
        }
        let written = write(self.writer).ok();
        if written.is_none() {
            self.writer.set_truncated();
        }
        written
    }

    /// The answer at a node, which has what is wanted or not.
    fn node(
        &mut self,
        zone: &'a Zone,
        (node, wanted): (Node<'a>, Option<RrSet<'a>>),
        name: &Name,
        place: usize,
    ) -> Step {
        if let Some(set) = wanted {
            if node.pool().is_some_and(|pool| self.snapshot.pool(pool).is_stale(set.rtype)) {
                *self.extended = Some(Extended::Stale);
            }
            // A chain may end at a DNAME that it has come by; a set stands once in a section (RFC 2181, 5).
            let written =
                set.rtype == rtype::DNAME && self.dnames.iter().flatten().any(|dname| std::ptr::eq(*dname, set.wire));
            let rotation = self.rotation_of(set);
            if !written
                && self
                    .must_fit(|writer| writer.set(Section::Answer, Owner::At(place), set, set.ttl, rotation))
                    .is_some()
            {
                self.deny_closer(zone, node, name);
                self.prove();
                self.helpers(zone, set);
            }
            return Step::Done(rcode::NOERROR);
        }
        if let Some(set) = node.set(rtype::CNAME) {
            self.deny_closer(zone, node, name);
            let at = self.must_fit(|writer| writer.set(Section::Answer, Owner::At(place), set, set.ttl, 0));
            return Name::from_wire(set.first()).map_or(Step::Done(rcode::NOERROR), |name| Step::Onward(name, at));
        }
        self.negative(zone, name, Denied::Type { node })
    }

    /// The set that answers at a node. To ANY one set is enough (RFC 8482, 4.1), and the signatures of one to RRSIG. One real set
    /// rather than a made-up HINFO, so that whoever asks ANY still learns something true.
    fn wanted<'n>(&self, node: Node<'n>) -> Option<RrSet<'n>>
    where
        'a: 'n,
    {
        match self.qtype {
            rtype::ANY => self.any(node),
            rtype::RRSIG => self.any(node).and_then(RrSet::rrsigs),
            qtype => self.set(node, qtype),
        }
    }

    /// A pool's addresses, else the set with the lowest type.
    fn any<'n>(&self, node: Node<'n>) -> Option<RrSet<'n>>
    where
        'a: 'n,
    {
        self.set(node, rtype::A).or_else(|| self.set(node, rtype::AAAA)).or_else(|| node.sets().next())
    }

    /// A set of a node, from its pool where it has one that decides what is answered of the type.
    fn set<'n>(&self, node: Node<'n>, rtype: u16) -> Option<RrSet<'n>>
    where
        'a: 'n,
    {
        self.set_of(node, rtype, |pool| pool.set(node, self.nearness.location(pool), rtype))
    }

    /// The same for clients everywhere: what only helps may be kept for all of them (RFC 7871, 7.3.1).
    fn set_for_all<'n>(&self, node: Node<'n>, rtype: u16) -> Option<RrSet<'n>>
    where
        'a: 'n,
    {
        self.set_of(node, rtype, |pool| pool.set(node, None, rtype))
    }

    fn set_of<'n>(
        &self,
        node: Node<'n>,
        rtype: u16,
        of_pool: impl Fn(&'a PoolAnswer) -> Option<RrSet<'a>>,
    ) -> Option<RrSet<'n>>
    where
        'a: 'n,
    {
        match node.pool().map(|pool| self.snapshot.pool(pool)) {
            Some(pool) if pool.decides(rtype) => of_pool(pool),
            _ => node.set(rtype),
        }
    }

    /// Sets of addresses are rotated, and no others: only their records have one length.
    fn rotation_of(&self, set: RrSet<'_>) -> usize {
        if matches!(set.rtype, rtype::A | rtype::AAAA) { self.rotation } else { 0 }
    }

    /// The delegation's NS, and their addresses as far as we know them. In-domain glue is a part of the referral: if
    /// it does not fit, the response is cut (RFC 9471, 3.1). Other glue only helps.
    fn referral(&mut self, zone: &'a Zone, cut: Node<'a>) -> Step {
        let done = Step::Done(rcode::NOERROR);
        let Some(set) = cut.set(rtype::NS) else { return done };
        let ns = |writer: &mut Writer<'_>| writer.set(Section::Authority, Owner::Name(cut.name()), set, set.ttl, 0);
        if self.must_fit(ns).is_none() {
            return done;
        }
        self.prove_delegation(zone, cut);
        self.prove();
        for (n, id) in set.additional.iter().enumerate() {
            if self.addresses(zone.node(*id)).is_err() && n < set.needed {
                self.writer.set_truncated();
                return done;
            }
        }
        done
    }

    /// The DNAME, once however often a chain comes by, and the CNAME it makes for this name (RFC 6672, 3.1). A question
    /// for CNAME or ANY has its answer in that and is followed no further.
    fn dname(&mut self, set: RrSet<'a>, owner: Node<'_>, name: &Name, label: usize, place: usize) -> Step {
        let free = self.dnames.iter_mut().find(|dname| dname.is_none_or(|dname| std::ptr::eq(dname, set.wire)));
        if let Some(free @ None) = free {
            *free = Some(set.wire);
            self.must_fit(|writer| writer.set(Section::Answer, Owner::Name(owner.name()), set, set.ttl, 0));
        }
        let Some(target) = name.with_suffix(label, set.first()) else {
            return Step::Done(rcode::YXDOMAIN);
        };
        let at = self.must_fit(|writer| writer.cname(place, target.as_bytes(), set.ttl));
        match self.qtype {
            rtype::CNAME | rtype::ANY => Step::Done(rcode::NOERROR),
            _ => Step::Onward(target, at),
        }
    }

    /// Addresses (and, for SVCB, the target's own bindings: RFC 9460, 4.1) that spare the client a query. What does
    /// not fit is left out; nobody misses it.
    fn helpers(&mut self, zone: &'a Zone, set: RrSet<'a>) {
        if !self.shown {
            return;
        }
        for id in set.additional {
            let node = zone.node(*id);
            if let (rtype::SVCB | rtype::HTTPS, Some(binding)) = (set.rtype, self.set_for_all(node, set.rtype))
                && !std::ptr::eq(binding.wire, set.wire)
                && self.writer.set(Section::Additional, Owner::Name(node.name()), binding, binding.ttl, 0).is_err()
            {
                return;
            }
            if self.addresses(node).is_err() {
                return;
            }
        }
    }

    fn addresses(&mut self, node: Node<'a>) -> Result<(), Full> {
        for rtype in [rtype::A, rtype::AAAA] {
            if let Some(set) = self.set_for_all(node, rtype) {
                let rotation = self.rotation_of(set);
                self.writer.set(Section::Additional, Owner::Name(node.name()), set, set.ttl, rotation)?;
            }
        }
        Ok(())
    }
}

/// Whose account a response is on, which has what is wanted or not.
fn account_of(zone: &Zone, found: &Found<'_>, has_wanted: bool) -> Account {
    let (class, name) = match found {
        Found::Node(node) if has_wanted || node.set(rtype::CNAME).is_some() => (Class::Answer, node.account()),
        Found::Node(_) => (Class::Nodata, zone.account),
        Found::Cut(node) => (Class::Referral, node.account()),
        Found::Dname { owner, .. } => (Class::Answer, owner.account()),
        Found::Nothing { .. } => (Class::Nxdomain, zone.account),
    };
    Account { class, name }
}

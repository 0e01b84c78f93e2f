//! The signatures of each set (RFC 4035, 2.2 and 5.3).

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use super::flaw::Flaws;
use super::keys::Keys;
use super::subject::{Depth, Subject};
use super::times::{Standing, Times};
use super::tree::{Name, Place, Tree};
use crate::counted::listed;
use crate::dnssec::rrsig::Rrsig;
use crate::dnssec::{Algorithm, is_verifiable};
use crate::parallel;
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::rdata::types;

/// How many names are looked at at a time by one thread.
const NAMES_OF_A_PIECE: usize = 500;

/// What is wrong with signatures, and when they are good.
pub(super) fn check(tree: &Tree<'_>, keys: &Keys<'_>, subject: &Subject<'_>) -> Flaws {
    let checker = Checker { tree, keys, algorithms: keys.algorithms(), subject };
    // What is not verified is soon looked through, and is waited for at a start.
    let each = match subject.depth {
        Depth::Structure | Depth::Apex => tree.names.len().max(1),
        Depth::Signatures => NAMES_OF_A_PIECE,
    };
    let pieces: Vec<&[Name<'_>]> = tree.names.chunks(each).collect();
    let (mut flaws, mut times) = (Flaws::default(), Times::default());
    let look = |piece: usize| checker.names(pieces[piece]);
    let Ok(()) = parallel::in_order(pieces.len(), parallel::cores(), look, |(of_piece, times_of_piece)| {
        flaws.append(of_piece);
        times.append(times_of_piece);
        Ok::<(), Infallible>(())
    });
    times.tell(&mut flaws);
    flaws
}

struct Checker<'c, 'z> {
    tree: &'c Tree<'z>,
    keys: &'c Keys<'z>,
    algorithms: BTreeSet<u8>,
    subject: &'c Subject<'c>,
}

/// A set that is to be signed.
struct Set<'z> {
    name: Name<'z>,
    /// In lower case.
    owner: Box<[u8]>,
    rtype: u16,
    indexes: &'z [u32],
}

/// What a signature is worth.
enum Worth {
    Good,
    /// It may be of a key that is to come, or is gone.
    OfNobody,
    Bad(String),
}

impl<'z> Checker<'_, 'z> {
    fn names(&self, names: &[Name<'z>]) -> (Flaws, Times) {
        let (mut flaws, mut times) = (Flaws::default(), Times::default());
        for name in names {
            let owner = name::lower(name.owner());
            for (rtype, indexes) in name.sets().filter(|(rtype, _)| name.is_own(*rtype)) {
                self.set(&Set { name: *name, owner: owner.clone(), rtype, indexes }, &mut flaws, &mut times);
            }
            for (index, signature) in name.signatures() {
                self.superfluous(*name, index, &signature, &mut flaws);
            }
        }
        (flaws, times)
    }

    fn set(&self, set: &Set<'z>, flaws: &mut Flaws, times: &mut Times) {
        // The best one of each algorithm, by when it is good.
        let mut best: BTreeMap<u8, (Standing, u32, Rrsig<'z>)> = BTreeMap::new();
        let (mut count, mut blamed) = (0, BTreeSet::new());
        for (index, signature) in set.name.signatures().filter(|(_, signature)| signature.covered == set.rtype) {
            count += 1;
            match self.worth(set, &signature) {
                Worth::Good => {
                    let standing = Standing::of(&signature, self.subject.now);
                    let known = best.entry(signature.algorithm).or_insert((standing, index, signature));
                    if standing > known.0 {
                        *known = (standing, index, signature);
                    }
                    self.check_ttl(set, index, &signature, flaws);
                }
                Worth::OfNobody => {
                    let why = format!(
                        "(of {}) is by key {} of algorithm {}, which is none of the zone: nobody can use it",
                        types::to_text(set.rtype),
                        signature.tag,
                        in_words(signature.algorithm)
                    );
                    flaws.odd(index, self.tree, why);
                }
                Worth::Bad(why) => {
                    blamed.insert(signature.algorithm);
                    flaws.bogus(index, self.tree, format!("(of {}) {why}", types::to_text(set.rtype)));
                }
            }
        }
        best.values().for_each(|(_, index, signature)| times.take(*index, &set.owner, signature, self.subject.now));
        let lacking = self.algorithms.iter().filter(|one| !best.contains_key(one) && !blamed.contains(one));
        let lacking: Vec<String> = lacking.map(|algorithm| in_words(*algorithm)).collect();
        if count == 0 {
            flaws.bogus(set.indexes[0], self.tree, "is not signed");
        } else if !lacking.is_empty() {
            let why = "of which the zone has a key (RFC 4035, 2.2)";
            flaws.bogus(set.indexes[0], self.tree, format!("has no signature of algorithm {}, {why}", listed(lacking)));
        }
    }

    fn worth(&self, set: &Set<'z>, signature: &Rrsig<'z>) -> Worth {
        if !signature.signer.eq_ignore_ascii_case(self.tree.apex) {
            let [signer, apex] = [signature.signer, self.tree.apex].map(name::to_absolute_text);
            return Worth::Bad(format!("is by {signer}, and the zone is {apex}"));
        }
        let labels = Rrsig::labels_of(&set.owner);
        if usize::from(signature.labels) != labels {
            return Worth::Bad(format!("is of a name with {} labels, and this one has {labels}", signature.labels));
        }
        if signature.expiration.wrapping_sub(signature.inception) as i32 <= 0 {
            return Worth::Bad("ends before it begins".to_owned());
        }
        let mut keys = self.keys.named(signature).peekable();
        let rdatas = set.name.rdatas(set.indexes);
        match keys.peek().is_some() {
            false => Worth::OfNobody,
            true if !self.subject.is_verified(&set.owner) || !is_verifiable(signature.algorithm) => Worth::Good,
            true if keys.any(|key| key.has_made(signature, &set.owner, rdatas.clone())) => Worth::Good,
            true => Worth::Bad(format!("is none that key {} has made over these records", signature.tag)),
        }
    }

    /// RFC 4034, 3 and 3.1.4.
    fn check_ttl(&self, set: &Set<'z>, index: u32, signature: &Rrsig<'z>, flaws: &mut Flaws) {
        let ttl = self.tree.records.get(set.indexes[0]).ttl;
        let said = [signature.original_ttl, self.tree.records.get(index).ttl];
        if let Some(other) = said.into_iter().find(|said| *said != ttl) {
            let of = types::to_text(set.rtype);
            flaws.odd(index, self.tree, format!("(of {of}) has the TTL {other}, and what it signs has {ttl}"));
        }
    }

    /// A signature where none belongs.
    fn superfluous(&self, name: Name<'z>, index: u32, signature: &Rrsig<'z>, flaws: &mut Flaws) {
        let of = types::to_text(signature.covered);
        if !name.is_own(signature.covered) && name.place != Place::Hash {
            let why = match name.place {
                Place::Cut => "this name is delegated, and only DS and NSEC are this zone's own there",
                _ => "this name lies below a delegation or a DNAME",
            };
            flaws.odd(index, self.tree, format!("(of {of}) belongs to nothing: {why} (RFC 4035, 2.2)"));
        } else if name.set(signature.covered).is_empty() || signature.covered == rtype::RRSIG {
            flaws.odd(index, self.tree, format!("(of {of}) belongs to nothing: the name has no {of}"));
        }
    }
}

/// `13 (ECDSAP256SHA256)`
fn in_words(algorithm: u8) -> String {
    Algorithm::from_number(algorithm).map_or_else(|| algorithm.to_string(), |known| format!("{algorithm} ({known})"))
}

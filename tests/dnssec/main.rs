//! Programs of others judge what polder-dns signs: delv, unbound, named and Knot Resolver find each answer proved, ldns, BIND and Knot the zone as a
//! whole. So that their judgement is worth something, they judge a zone that BIND has signed too, and find what was forged in it.
//!
//! Needs those, and NSD (Debian's bind9, bind9-utils, bind9-dnsutils, unbound, knot-resolver, knot-dnssecutils, ldnsutils and nsd), and so is apart from `cargo test`:
//! `cargo test --test dnssec -- --ignored --nocapture`. `FLIPS` is how many times members of the pool come and go (300), `A_SECOND` how many
//! times a second at most (as fast as it goes), `QUERIES_A_SECOND` what dnsperf asks besides (0), `SEED` where that begins (random).

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking clients poll with a limit and share what they saw"
)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs)]

mod alike;
mod ask;
mod copies;
mod flips;
mod keys;
mod lab;
#[path = "../common/members.rs"]
mod members;
#[path = "../common/ports.rs"]
mod ports;
mod presigned;
mod programs;
mod validators;
mod whole_zone;
mod zone;

use hickory_proto::op::ResponseCode;

use keys::{SIGNINGS, Signing};
use lab::Lab;
use validators::{Kind, Validator, unproved_by_delv};
use zone::{QUESTIONS, Question, are_as_expected};

/// Of each judge what it finds wrong with the zone.
fn judged(lab: &Lab, signing: Signing) -> Vec<String> {
    let mut wrong = whole_zone::findings(lab, signing);
    for question in QUESTIONS.iter().filter(|question| !question.is_below_a_cut()) {
        let unproved = unproved_by_delv(lab, &question.name(), question.rtype);
        wrong.extend(unproved.map(|said| format!("delv, {question:?}:\n{said}")));
    }
    for validator in Kind::ALL.map(|kind| Validator::start(kind, lab, 1)) {
        // Twice: what it knows already is answered otherwise than what it has to ask for.
        for question in QUESTIONS.iter().chain(QUESTIONS) {
            if validator.kind.can_be_asked(question) {
                wrong.extend(misjudged(&validator, question, false));
            }
        }
    }
    wrong
}

/// What a validator answers, if it is something else than it should be.
fn misjudged(validator: &Validator, question: &Question, opts_out: bool) -> Option<String> {
    let rcode = if question.name_exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
    let reply = match validator.ask(&question.name(), question.rtype) {
        Ok(reply) => reply,
        Err(error) => return Some(format!("{:?}, {question:?}: {error}", validator.kind)),
    };
    // What is not there, and what a wildcard stands for, is not proved where delegations opt out (RFC 5155, 9.2).
    let is_as_expected = reply.rcode == rcode
        && (reply.is_secure == question.is_secure || opts_out)
        && are_as_expected(&reply.answers, question.answers);
    (!is_as_expected).then(|| format!("{:?}, {question:?}:\n{reply:?}", validator.kind))
}

fn none_is_wrong(signing: Signing, lab: &Lab) {
    let wrong = judged(lab, signing);
    assert!(wrong.is_empty(), "{signing:?}: {} wrong:\n\n{}\n\n{}", wrong.len(), wrong.join("\n\n"), lab.log());
}

#[test]
#[ignore = "needs BIND, unbound, Knot and its resolver, ldns and NSD: see CONTRIBUTING.md"]
fn every_answer_of_a_zone_that_is_signed_here_is_proved_to_every_validator() {
    for signing in SIGNINGS {
        eprintln!("{signing:?}");
        none_is_wrong(signing, &Lab::of_polder(signing));
    }
}

#[test]
#[ignore = "needs BIND, unbound, Knot and its resolver, ldns and NSD: see CONTRIBUTING.md"]
fn the_judges_find_nothing_wrong_with_a_zone_that_bind_has_signed() {
    for signing in SIGNINGS {
        none_is_wrong(signing, &Lab::of_bind(signing, str::to_owned));
    }
}

#[test]
#[ignore = "needs BIND, unbound, Knot and its resolver, ldns and NSD: see CONTRIBUTING.md"]
fn the_judges_find_an_address_that_was_forged() {
    let signing = SIGNINGS[0];
    let lab = Lab::of_bind(signing, |signed| signed.replace("192.0.2.25", "192.0.2.66"));
    let mail = QUESTIONS.iter().find(|question| (question.owner, question.rtype) == ("mail", "A")).unwrap();
    assert_eq!(whole_zone::findings(&lab, signing).len(), 3);
    assert!(unproved_by_delv(&lab, &mail.name(), "A").is_some());
    assert!(unproved_by_delv(&lab, &mail.name(), "AAAA").is_none());
    for kind in Kind::ALL {
        let validator = Validator::start(kind, &lab, 1);
        let reply = validator.ask(&mail.name(), "A").unwrap();
        assert_eq!((reply.rcode, reply.is_secure), (ResponseCode::ServFail, false), "{kind:?}: {reply:?}");
        assert!(validator.ask(&mail.name(), "AAAA").unwrap().is_secure, "{kind:?}");
    }
}

#[test]
#[ignore = "needs BIND, Knot, ldns and NSD: see CONTRIBUTING.md"]
fn a_digest_that_is_made_here_is_that_of_the_zone_to_ldns() {
    for signing in SIGNINGS {
        let lab = Lab::of_polder_with_digest(signing);
        assert_eq!(whole_zone::findings(&lab, signing), [""; 0], "{signing:?}");
        assert_eq!(whole_zone::wrong_digest(&lab), None, "{signing:?}");
    }
}

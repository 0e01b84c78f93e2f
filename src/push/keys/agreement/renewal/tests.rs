//! Against hosts that keep real files.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::disallowed_types, reason = "the hosts of a test are shared with what is tested")]

use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::push::remote::no_answer::NoAnswer;
use crate::unix_time::unix_ms;

/// Hosts by name, each a folder; what was done to them, in order; and one of them may be dead.
#[derive(Default)]
struct Hosts {
    kept: Option<TempDir>,
    done: Mutex<Vec<String>>,
    dead: Mutex<Option<&'static str>>,
}

impl Hosts {
    fn new() -> Hosts {
        Hosts { kept: Some(tempfile::tempdir().unwrap()), ..Hosts::default() }
    }

    fn folder(&self, host: &str) -> Result<std::path::PathBuf, NoAnswer> {
        match *self.dead.lock().unwrap() == Some(host) {
            true => Err(NoAnswer::Unreachable("no route to host".to_owned())),
            false => Ok(self.kept.as_ref().unwrap().path().join(host)),
        }
    }

    fn renew(&self, authority: &Authority) -> Result<Vec<String>, Failed> {
        self.done.lock().unwrap().clear();
        let settled = |host: &str| {
            self.done.lock().unwrap().push(format!("{host} serves again"));
            Ok(())
        };
        renew(self, "token", &wanted(), authority, now(), &mut |_| {}, &settled)?;
        Ok(self.done.lock().unwrap().clone())
    }

    fn held(&self) -> Held {
        look(self, &wanted().into_keys().collect::<Vec<_>>()).unwrap()
    }
}

impl Gates for Hosts {
    fn ask(&self, host: &str, question: &Question, _: Duration) -> Result<Answer, NoAnswer> {
        assert_eq!(*question, Question::Agreement);
        Ok(Answer::Agreement(files::look(&self.folder(host)?).unwrap()))
    }

    fn instruct(&self, host: &str, instruction: &Instruction, _: Duration) -> Result<Answer, NoAnswer> {
        let Instruction::Agreement { token, change } = instruction else { panic!("{instruction:?}") };
        assert_eq!(token, "token");
        let (folder, authorities) = (self.folder(host)?, self.authorities());
        if let AgreementChange::Use { .. } = change {
            assert!(authorities.values().all(|count| *count > 0), "shown before all trust it: {authorities:?}");
        }
        let what = match change {
            AgreementChange::Trust { .. } => "trusts",
            AgreementChange::Use { .. } => "uses",
            AgreementChange::Retire { .. } => "retires",
        };
        self.done.lock().unwrap().push(format!("{host} {what}"));
        Ok(match files::apply(&folder, change) {
            Ok((files, _)) => Answer::Agreement(files),
            Err(error) => Answer::Refused { why: error.to_string() },
        })
    }
}

impl Hosts {
    /// How many authorities each host trusts.
    fn authorities(&self) -> BTreeMap<String, usize> {
        let count =
            |host: &String| self.folder(host).map_or(0, |folder| files::look(&folder).unwrap().authorities.len());
        wanted().into_keys().map(|host| (host.clone(), count(&host))).collect()
    }
}

fn wanted() -> Wanted {
    let hosts = [("px-ch", "198.51.100.11"), ("px-nl", "192.0.2.11"), ("wit", "203.0.113.1")];
    hosts.map(|(host, address)| (host.to_owned(), vec![address.parse().unwrap()])).into()
}

fn now() -> u64 {
    unix_ms() / 1000
}

#[test]
fn all_trust_the_authority_before_any_shows_its_certificate_and_each_serves_before_the_next_is_changed() {
    let (hosts, authority) = (Hosts::new(), Authority::make().unwrap());
    let done = hosts.renew(&authority).unwrap();
    let order = |what: &str| -> Vec<String> {
        ["px-ch", "px-nl", "wit"]
            .iter()
            .flat_map(|host| [format!("{host} {what}"), format!("{host} serves again")])
            .collect()
    };
    assert_eq!(done, [order("trusts"), order("uses")].concat());
    assert_eq!(hosts.renew(&authority).unwrap(), Vec::<String>::new(), "nothing is left to do");
    assert_eq!(common_authority(&hosts.held()), Some(authority.name.as_str()));
}

#[test]
fn a_new_authority_comes_beside_the_old_one_which_then_goes() {
    let (hosts, old, new) = (Hosts::new(), Authority::make().unwrap(), Authority::make().unwrap());
    hosts.renew(&old).unwrap();
    hosts.renew(&new).unwrap();
    assert!(hosts.held().values().all(|files| files.trusts(&old.name) && files.trusts(&new.name)));
    let names: Vec<String> = wanted().into_keys().collect();
    let keep = common_authority(&hosts.held()).unwrap().to_owned();
    assert_eq!(keep, new.name);
    retire(&hosts, "token", &keep, &names, &|_| Ok(())).unwrap();
    assert!(hosts.held().values().all(|files| !files.trusts(&old.name) && files.trusts(&new.name)));
}

#[test]
fn what_was_interrupted_goes_on_from_there() {
    let (hosts, authority) = (Hosts::new(), Authority::make().unwrap());
    *hosts.dead.lock().unwrap() = Some("wit");
    let failed = hosts.renew(&authority).unwrap_err();
    assert_eq!(failed.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["wit"]);
    *hosts.dead.lock().unwrap() = None;
    hosts.renew(&authority).unwrap();
    assert_eq!(common_authority(&hosts.held()), Some(authority.name.as_str()));
}

#[test]
fn a_member_that_does_not_come_back_ends_it_before_the_next_is_touched() {
    let (hosts, authority) = (Hosts::new(), Authority::make().unwrap());
    let settled = |host: &str| if host == "px-nl" { Err(Error::new("not healthy")) } else { Ok(()) };
    let failed = renew(&hosts, "token", &wanted(), &authority, now(), &mut |_| {}, &settled).unwrap_err();
    assert_eq!(failed[0].0, "px-nl");
    assert_eq!(hosts.authorities()["wit"], 0, "it is not begun");
}

#[test]
fn a_certificate_is_renewed_for_another_address_and_in_its_last_year() {
    let (hosts, authority) = (Hosts::new(), Authority::make().unwrap());
    hosts.renew(&authority).unwrap();
    let held = hosts.held();
    let step = |wanted: &Wanted, now| next(&held, wanted, &authority.name, now);
    assert_eq!(step(&wanted(), now()), Step::Done);

    let mut moved = wanted();
    moved.insert("wit".to_owned(), vec!["203.0.113.2".parse().unwrap()]);
    assert_eq!(step(&moved, now()), Step::Issue(vec!["wit".to_owned()]));

    let ends = held["wit"].certificate.as_ref().unwrap().ends;
    assert_eq!(step(&wanted(), ends - RENEWED_BEFORE), Step::Done);
    assert_eq!(step(&wanted(), ends - RENEWED_BEFORE + 1), Step::Issue(wanted().into_keys().collect()));
}

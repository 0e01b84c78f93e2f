//! Against hosts that keep real key files.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::*;
use crate::push::admin::known_fleet::tests::admin_in;
use crate::push::keys::file;
use crate::push::remote::no_answer::NoAnswer;

/// Hosts by name, each a folder of keys; one of them may be dead.
struct Hosts {
    kept: TempDir,
    dead: AtomicBool,
}

const MAY_DIE: &str = "px-ch";

impl Hosts {
    fn new() -> Hosts {
        Hosts { kept: tempfile::tempdir().unwrap(), dead: AtomicBool::new(false) }
    }

    fn names(&self) -> Vec<String> {
        ["px-ch", "px-nl"].map(str::to_owned).to_vec()
    }

    fn add(&self, host: &str, key: &Secret) {
        file::apply(&self.kept.path().join(host), "cookies", &KeyChange::Add { key: key.clone() }).unwrap();
    }

    fn folder(&self, host: &str) -> Result<PathBuf, NoAnswer> {
        match host == MAY_DIE && self.dead.load(Ordering::Relaxed) {
            true => Err(NoAnswer::Unreachable("no route to host".to_owned())),
            false => Ok(self.kept.path().join(host)),
        }
    }

    fn keys(&self, host: &str) -> Vec<String> {
        file::all(&self.kept.path().join(host)).unwrap().remove("cookies").unwrap_or_default()
    }
}

impl Gates for Hosts {
    fn ask(&self, host: &str, question: &Question, _: Duration) -> Result<Answer, NoAnswer> {
        assert_eq!(*question, Question::Keys);
        Ok(Answer::Keys { files: file::all(&self.folder(host)?).unwrap() })
    }

    fn instruct(&self, host: &str, instruction: &Instruction, _: Duration) -> Result<Answer, NoAnswer> {
        let Instruction::Key { token, name, change } = instruction else { panic!("{instruction:?}") };
        assert_eq!(token, "token");
        Ok(match file::apply(&self.folder(host)?, name, change) {
            Ok((fingerprints, _)) => Answer::Keys { files: BTreeMap::from([(name.clone(), fingerprints)]) },
            Err(error) => Answer::Refused { why: error.to_string() },
        })
    }
}

fn name(key: &Secret) -> String {
    fingerprint(&key.0).unwrap()
}

#[test]
fn a_new_key_is_on_all_hosts_before_it_is_the_first_on_any() {
    let hosts = Hosts::new();
    let (old, new) = (make().unwrap(), make().unwrap());
    for host in hosts.names() {
        hosts.add(&host, &old);
    }
    let mut steps = Vec::new();
    rotate_to(&hosts, "token", "cookies", &new, &hosts.names(), &mut |step| steps.push(step.clone())).unwrap();
    assert_eq!(steps, [Step::Add(hosts.names()), Step::Promote(hosts.names()), Step::Done]);
    for host in hosts.names() {
        assert_eq!(hosts.keys(&host), [name(&new), name(&old)]);
    }
    let keep = KeyChange::Retire { keep: name(&new) };
    change(&hosts, "token", "cookies", &keep, &hosts.names()).unwrap();
    assert_eq!(hosts.keys("px-nl"), [name(&new)]);
}

#[test]
fn a_host_that_dies_in_between_stops_it_and_it_goes_on_where_it_stopped() {
    let hosts = Hosts::new();
    let (old, new) = (make().unwrap(), make().unwrap());
    for host in hosts.names() {
        hosts.add(&host, &old);
    }
    let failed = rotate_to(&hosts, "token", "cookies", &new, &hosts.names(), &mut |step| {
        assert!(matches!(step, Step::Add(_)), "{step:?}");
        hosts.dead.store(true, Ordering::Relaxed);
    });
    assert_eq!(failed, Err(vec![(MAY_DIE.to_owned(), Error::new("no route to host"))]));
    assert_eq!(hosts.keys("px-nl"), [name(&old), name(&new)], "it is the first nowhere");

    hosts.dead.store(false, Ordering::Relaxed);
    let mut steps = Vec::new();
    rotate_to(&hosts, "token", "cookies", &new, &hosts.names(), &mut |step| steps.push(step.clone())).unwrap();
    assert_eq!(steps[0], Step::Add(vec![MAY_DIE.to_owned()]));
    assert_eq!(hosts.keys(MAY_DIE), [name(&new), name(&old)]);
}

#[test]
fn what_another_admin_left_half_done_is_no_obstacle() {
    let hosts = Hosts::new();
    let (old, theirs, new) = (make().unwrap(), make().unwrap(), make().unwrap());
    for host in hosts.names() {
        hosts.add(&host, &old);
    }
    hosts.add("px-nl", &theirs);
    rotate_to(&hosts, "token", "cookies", &new, &hosts.names(), &mut |_| {}).unwrap();
    assert_eq!(hosts.keys("px-nl"), [name(&new), name(&old), name(&theirs)]);
    assert_eq!(hosts.keys(MAY_DIE), [name(&new), name(&old)]);
}

#[test]
fn the_new_key_waits_until_its_rotation_has_ended() {
    let kept = tempfile::tempdir().unwrap();
    let admin = admin_in(kept.path());
    let key = begin(&admin, "cookies").unwrap();
    assert_eq!(begin(&admin, "cookies").unwrap().0, key.0);
    assert_ne!(begin(&admin, "peers").unwrap().0, key.0);
    end(&admin, "cookies").unwrap();
    assert_ne!(begin(&admin, "cookies").unwrap().0, key.0);
}

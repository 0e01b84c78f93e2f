//! Against gates that keep their locks by the rules of [`crate::push::host::lock`].

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
// The fake hosts are asked from several threads; no lock of the program is meant.
#[allow(clippy::disallowed_types)]
use std::sync::Mutex;

use super::*;
use crate::push::admin::known_fleet::tests::admin_in;
use crate::push::host::lock::{grant, held, presented};
use crate::push::protocol::Question;
use crate::unix_time::unix_ms;

/// Hosts by name; `dead` ones do not answer.
#[allow(clippy::disallowed_types)]
struct Hosts {
    locks: Mutex<BTreeMap<String, Option<Lock>>>,
    dead: Vec<&'static str>,
    renewed: Mutex<Sender<String>>,
}

#[allow(clippy::disallowed_types)]
fn hosts(names: &[&str], dead: &[&'static str]) -> (Arc<Hosts>, mpsc::Receiver<String>) {
    let (renewed, seen) = mpsc::channel();
    let locks = names.iter().map(|name| ((*name).to_owned(), None)).collect();
    (Arc::new(Hosts { locks: Mutex::new(locks), dead: dead.to_vec(), renewed: Mutex::new(renewed) }), seen)
}

impl Hosts {
    fn holders(&self) -> Vec<(String, String)> {
        let now = unix_ms();
        let locks = self.locks.lock().unwrap().clone();
        locks.into_iter().filter_map(|(host, lock)| Some((host, held(lock, now)?.holder))).collect()
    }

    fn names(&self) -> Vec<String> {
        self.locks.lock().unwrap().keys().cloned().collect()
    }
}

impl Gates for Hosts {
    fn ask(&self, host: &str, question: &Question, _: Duration) -> Result<Answer, NoAnswer> {
        panic!("{host} is asked {question:?}")
    }

    fn instruct(&self, host: &str, instruction: &Instruction, _: Duration) -> Result<Answer, NoAnswer> {
        if self.dead.contains(&host) {
            return Err(NoAnswer::Unreachable("no route to host".to_owned()));
        }
        let mut locks = self.locks.lock().unwrap();
        let present = locks.get_mut(host).unwrap();
        let now = unix_ms();
        let granted = match instruction {
            Instruction::Lock { lock, seconds } => grant(present.clone(), lock.clone(), *seconds, now).map(Some),
            Instruction::Renew { token, seconds } => {
                let _ = self.renewed.lock().unwrap().send(host.to_owned());
                match presented(present.clone(), token, now) {
                    Ok(lock) => grant(None, lock, *seconds, now).map(Some),
                    Err(Some(other)) => Err(other),
                    Err(None) => return Ok(Answer::Refused { why: "the lock has expired".to_owned() }),
                }
            }
            Instruction::Unlock { token } => match presented(present.clone(), token, now) {
                Err(Some(other)) => Err(other),
                _ => Ok(None),
            },
            other => panic!("{other:?}"),
        };
        Ok(match granted {
            Ok(lock) => {
                *present = lock;
                Answer::Done
            }
            Err(holder) => Answer::Locked { holder },
        })
    }
}

fn lock(holder: &str) -> Lock {
    Lock {
        token: String::new(),
        holder: holder.to_owned(),
        location: "nl".to_owned(),
        reason: "push".to_owned(),
        expires: 0,
    }
}

#[test]
fn it_is_held_on_all_hosts_and_given_back_when_dropped() {
    let (hosts, _) = hosts(&["b", "a"], &[]);
    let held = HeldLock::take(&hosts, &["b".to_owned(), "a".to_owned()], lock("alice"), 60).unwrap();
    assert_eq!(held.hosts(), ["a", "b"]);
    assert!(!held.token().is_empty());
    assert_eq!(hosts.holders().len(), 2);
    drop(held);
    assert_eq!(hosts.holders(), []);
}

#[test]
fn where_one_host_refuses_the_others_have_it_back_and_the_holder_is_told() {
    let (hosts, _) = hosts(&["a", "b", "c"], &[]);
    let bob = HeldLock::take(&hosts, &["b".to_owned()], lock("bob"), 60).unwrap();
    let refusal = HeldLock::take(&hosts, &hosts.names(), lock("alice"), 60).unwrap_err();
    let LockError::Locked { host, holder } = &refusal else { panic!("{refusal:?}") };
    assert_eq!((host.as_str(), holder.holder.as_str(), holder.token.as_str()), ("b", "bob", ""));
    assert!(refusal.to_string().contains("bob (nl): push"), "{}", refusal.to_string());
    assert_eq!(hosts.holders(), [("b".to_owned(), "bob".to_owned())]);
    assert_eq!(bob.release(), []);
}

#[test]
fn where_one_host_is_silent_no_host_is_locked() {
    let (hosts, _) = hosts(&["a", "b", "c"], &["c"]);
    let refusal = HeldLock::take(&hosts, &hosts.names(), lock("alice"), 60).unwrap_err();
    assert_eq!(refusal, LockError::Failed { host: "c".to_owned(), why: Error::new("no route to host") });
    assert_eq!(hosts.holders(), []);
}

#[test]
fn it_is_renewed_and_a_holder_who_lost_it_learns_that() {
    let (hosts, renewed) = hosts(&["a"], &[]);
    let held = HeldLock::take(&hosts, &hosts.names(), lock("alice"), 1).unwrap();
    renewed.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(held.lost(), None);
    hosts
        .locks
        .lock()
        .unwrap()
        .insert("a".to_owned(), Some(Lock { expires: unix_ms() + 60_000, token: "b".into(), ..lock("bob") }));
    // The second one is asked after the answer to the first was looked at.
    for _ in 0..3 {
        renewed.recv_timeout(Duration::from_secs(60)).unwrap();
    }
    assert!(held.lost().unwrap().contains("bob"), "{:?}", held.lost());
}

#[test]
fn who_took_it_by_hand_uses_it_and_has_it_still_afterwards() {
    let kept = tempfile::tempdir().unwrap();
    let admin = admin_in(kept.path());
    let (hosts, _) = hosts(&["a", "b"], &["dead"]);
    let by_hand = HeldLock::take(&hosts, &hosts.names(), lock("alice"), 600).unwrap();
    let lock_by_hand = Lock { token: by_hand.token().to_owned(), ..lock("alice") };
    let kept = ManualLock { lock: lock_by_hand, hosts: hosts.names(), until: unix_ms() + 600_000 };
    kept.write(&admin).unwrap();
    by_hand.keep();

    assert!(HeldLock::take_or_use(&admin, &hosts, &hosts.names(), lock("bob"), 60).is_err());
    let held = HeldLock::take_or_use(&admin, &hosts, &hosts.names(), lock("alice"), 60).unwrap();
    assert_eq!(held.token(), kept.lock.token);
    drop(held);
    let more = ["a".to_owned(), "b".to_owned(), "dead".to_owned()];
    assert!(HeldLock::take_or_use(&admin, &hosts, &more, lock("alice"), 60).is_err());
    assert_eq!(hosts.holders().len(), 2);
    let left = hosts.locks.lock().unwrap()["a"].clone().unwrap().expires - unix_ms();
    assert!(left > 500_000, "{left}");

    assert_eq!(give_back(&*hosts, &hosts.names(), &kept.lock.token), []);
    ManualLock::forget(&admin).unwrap();
    assert_eq!((hosts.holders(), ManualLock::read(&admin)), (vec![], None));
}

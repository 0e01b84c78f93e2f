#![allow(clippy::unwrap_used)]

use super::*;
use crate::push::protocol::manifest::{Manifest, VALIDITY, seal};
use crate::push::protocol::signing::tests::key;

struct House {
    folder: tempfile::TempDir,
}

impl House {
    /// That knows the key `admin-nl-1`, made from the number 1.
    fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let public = "admin-nl-1:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=\n";
        std::fs::write(folder.path().join("keys"), public).unwrap();
        House { folder }
    }

    fn ask<T>(&self, ask: impl FnOnce(&Admission<'_>) -> T) -> T {
        let keys = self.folder.path().join("keys");
        ask(&Admission { keys: &keys, state: self.folder.path(), host: "px-nl".to_owned() })
    }

    fn admit(&self, line: &str) -> Result<Request, Answer> {
        self.ask(|admission| admission.admit(line))
    }

    /// Counters are milliseconds, and run ahead of the clock where several are given within one: waits until it has passed them.
    fn let_the_clock_pass(&self) {
        let now = || self.ask(|admission| admission.clock()).unwrap().now;
        let given = now() + 10;
        while now() <= given {
            std::thread::yield_now();
        }
    }

    /// As a pusher signs it, by this host's clock.
    fn signed(&self, number: u8, host: &str) -> String {
        let clock = self.ask(|admission| admission.clock()).unwrap();
        let instruction = Instruction::Unlock { token: "t".to_owned() };
        let (counter, expires) = (clock.now.max(clock.counter + 1), clock.now + VALIDITY);
        let manifest = Manifest { host: host.to_owned(), counter, expires, instruction };
        seal(&manifest, &key("admin-nl-1", number).0).unwrap()
    }
}

fn why(heard: Result<Request, Answer>) -> String {
    match heard {
        Err(Answer::Refused { why } | Answer::Stale { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_needs_no_signature_and_an_instruction_does() {
    let house = House::new();
    assert!(matches!(house.admit(r#"{"ask":"report"}"#), Ok(Request::Question(Question::Report))));
    let unsigned = r#"{"do":"unlock","token":"t"}"#;
    assert!(why(house.admit(unsigned)).contains("has to be signed"));
    assert!(why(house.admit(&house.signed(2, "px-nl"))).contains("does not match"));
    let heard = house.admit(&house.signed(1, "px-nl")).unwrap();
    assert!(matches!(heard, Request::Instruction { signer, .. } if signer == "admin-nl-1"));
}

#[test]
fn a_manifest_is_taken_once_also_by_the_next_process_and_by_no_other_host() {
    let house = House::new();
    let line = house.signed(1, "px-nl");
    house.admit(&line).unwrap();
    assert!(why(house.admit(&line)).contains("was used already"));
    assert!(why(house.admit(&house.signed(1, "px-ch"))).contains("signed for px-ch"));
}

#[test]
fn a_memory_that_is_damaged_or_lost_opens_nothing_that_was_signed_before_and_is_begun_anew() {
    let house = House::new();
    let memory = house.folder.path().join("manifests.json");
    for damage in [Some("garbage"), None] {
        let line = house.signed(1, "px-nl");
        house.let_the_clock_pass();
        match damage {
            Some(text) => std::fs::write(&memory, text).unwrap(),
            None => std::fs::remove_file(&memory).unwrap(),
        }
        assert!(why(house.admit(&line)).contains("was used already"));
        house.admit(&house.signed(1, "px-nl")).unwrap();
    }
}

#[test]
fn what_is_long_is_not_parsed_before_its_signature_is_good() {
    let long = format!(r#"{{"ask":"report"{}}}"#, " ".repeat(QUESTION_BYTES));
    assert!(why(House::new().admit(&long)).contains("a question of more than"));
    let mut endless = io::Cursor::new(vec![b'a'; 100]);
    assert!(line(&mut endless, 50).unwrap_err().to_string().contains("more than 50 bytes"));
    assert_eq!(line(&mut io::Cursor::new(b"ab\ncd"), 50).unwrap(), "ab");
}

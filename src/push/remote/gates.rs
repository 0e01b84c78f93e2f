//! Several hosts' gates at once, over ssh or in a test.

use std::thread;
use std::time::Duration;

use super::Remotes;
use super::no_answer::NoAnswer;
use crate::push::protocol::{Answer, Instruction, Question};

/// Access to the hosts' gates: ssh, or a test double.
pub trait Gates: Send + Sync {
    /// Asks a question.
    ///
    /// # Errors
    ///
    /// No answer.
    fn ask(&self, host: &str, question: &Question, limit: Duration) -> Result<Answer, NoAnswer>;

    /// Sends a signed instruction.
    ///
    /// # Errors
    ///
    /// There is no answer: the instruction may or may not have been carried out.
    fn instruct(&self, host: &str, instruction: &Instruction, limit: Duration) -> Result<Answer, NoAnswer>;
}

impl Gates for Remotes {
    fn ask(&self, host: &str, question: &Question, limit: Duration) -> Result<Answer, NoAnswer> {
        Remotes::ask(self, host, question, limit)
    }

    fn instruct(&self, host: &str, instruction: &Instruction, limit: Duration) -> Result<Answer, NoAnswer> {
        Remotes::instruct(self, host, instruction, limit)
    }
}

/// Asks several hosts at once; the answers in the order of `hosts`.
pub fn ask_all<G: Gates + ?Sized>(
    gates: &G,
    hosts: &[String],
    question: &Question,
    limit: Duration,
) -> Vec<Result<Answer, NoAnswer>> {
    at_once(hosts, |host| gates.ask(host, question, limit))
}

/// Instructs several hosts at once; the answers in the order of `hosts`.
pub fn instruct_all<G: Gates + ?Sized>(
    gates: &G,
    hosts: &[String],
    instruction: &Instruction,
    limit: Duration,
) -> Vec<Result<Answer, NoAnswer>> {
    at_once(hosts, |host| gates.instruct(host, instruction, limit))
}

/// Sends each host its own request, all at once; the answers in the order of `hosts`.
pub fn at_once(
    hosts: &[String],
    ask: impl Fn(&str) -> Result<Answer, NoAnswer> + Sync,
) -> Vec<Result<Answer, NoAnswer>> {
    let dead = || Err(NoAnswer::Unreachable("internal error: the thread that asked it panicked".to_owned()));
    thread::scope(|scope| {
        let asking: Vec<_> = hosts.iter().map(|host| scope.spawn(|| ask(host))).collect();
        asking.into_iter().map(|one| one.join().unwrap_or_else(|_| dead())).collect()
    })
}

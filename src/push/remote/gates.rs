//! Several hosts' gates at once, over ssh or in a test.

use std::time::Duration;

use super::no_answer::NoAnswer;
use super::{Connection, Remotes};
use crate::push::at_once::at_once;
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
        self.question(host, question, limit, Connection::Shared)
    }

    fn instruct(&self, host: &str, instruction: &Instruction, limit: Duration) -> Result<Answer, NoAnswer> {
        self.signed(host, instruction, limit, Connection::Shared)
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

//! The part of the gate that asks this host's daemons and tells them what operators say.
//!
//! Runs as a user of its own, who may open the daemons' admin sockets and can do nothing else. A request is not passed on as it
//! came: it is made anew from what is allowed of it. Must never: carry a stream, or descriptors. Called by `polder gate --relay`.

use std::time::Duration;

use bytes::Bytes;

use super::allowed;
use super::heard::{Doorkeeper, Heard, from_standard_input, say};
use crate::api::client::{Client, Method};
use crate::push::host::machine;
use crate::push::host::place::Place;
use crate::push::protocol::{Answer, Daemon, Instruction, Question};

/// How long a daemon may take to say something of itself. Whoever can only ask keeps no place of the relay for longer.
const LOOKING: Duration = Duration::from_secs(10);

/// How long it may take to do what it is told: a failover lets running requests finish first.
const TELLING: Duration = Duration::from_secs(600);

/// Serves one connection on standard input and output, as a socket unit with `Accept=yes` gives it.
///
/// # Errors
///
/// The connection broke: nobody is left to tell.
pub fn relay(place: &Place) -> Result<(), String> {
    let (_, line) = from_standard_input()?;
    let doorkeeper = Doorkeeper { keys: &place.signing_keys, state: &place.relay_state, host: machine::host_name() };
    let answer = match doorkeeper.hear(&line) {
        Ok(Heard::Question(Question::Clock)) => {
            doorkeeper.clock().map_or_else(|error| Answer::Refused { why: error.to_string() }, Answer::Clock)
        }
        Ok(Heard::Question(question)) => look(place, question),
        Ok(Heard::Instruction { instruction, .. }) => tell(place, *instruction),
        Err(answer) => answer,
    };
    say(&answer)
}

fn look(place: &Place, question: Question) -> Answer {
    match question {
        Question::Look { daemon, target } if allowed::may_look(&target) => {
            exchange(place, daemon, Method::GET, &target, String::new(), LOOKING)
        }
        _ => not_allowed(),
    }
}

fn tell(place: &Place, instruction: Instruction) -> Answer {
    match instruction {
        Instruction::Tell { daemon, target, body } if allowed::may_tell(&target) => {
            exchange(place, daemon, Method::POST, &target, body, TELLING)
        }
        _ => not_allowed(),
    }
}

fn not_allowed() -> Answer {
    Answer::Refused { why: "the gate passes this on to no daemon".to_owned() }
}

fn exchange(place: &Place, daemon: Daemon, method: Method, target: &str, body: String, limit: Duration) -> Answer {
    let client = Client { timeout: limit, ..Client::new(&place.admin_socket(daemon.name())) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let replied = match runtime {
        Ok(runtime) => runtime.block_on(client.exchange_raw(method, target, Bytes::from(body))),
        Err(error) => return Answer::Refused { why: format!("no runtime: {error}") },
    };
    match replied {
        Ok((status, body)) => Answer::Reply { status, body },
        Err(error) => Answer::Refused { why: error.to_string() },
    }
}

//! The part of the gate that relays requests to this host's daemons.
//!
//! Runs as a user who may open the daemons' admin sockets and nothing else. A request is not forwarded as it came, but made anew
//! from what is allowed. Must never: forward a stream, or file descriptors. Called by `polder gate --relay`.

use std::time::Duration;

use bytes::Bytes;

use super::allowed;
use super::request::{Admission, Request, from_standard_input, write_answer};
use crate::api::client::{Client, Method};
use crate::api::daemon::Daemon;
use crate::push::error::Error;
use crate::push::host::machine;
use crate::push::host::paths::HostPaths;
use crate::push::protocol::{Answer, Instruction, Question};

/// How long a daemon may take to answer a question. An unsigned request occupies the relay no longer than that.
const LOOKING: Duration = Duration::from_secs(10);

/// How long a daemon may take to carry out a command: a failover lets running requests finish first.
const TELLING: Duration = Duration::from_secs(600);

/// Serves one connection on standard input and output, as a socket unit with `Accept=yes` gives it.
///
/// # Errors
///
/// The connection broke, so no answer was sent.
pub fn relay(paths: &HostPaths) -> Result<(), Error> {
    let (_, line) = from_standard_input()?;
    let admission = Admission { keys: &paths.signing_keys, state: &paths.relay_state, host: machine::host_name() };
    let answer = match admission.admit(&line) {
        Ok(Request::Question(Question::Clock)) => {
            admission.clock().map_or_else(|error| Answer::Refused { why: error.to_string() }, Answer::Clock)
        }
        Ok(Request::Question(question)) => look(paths, question),
        Ok(Request::Instruction { instruction, .. }) => tell(paths, *instruction),
        Err(answer) => answer,
    };
    write_answer(&answer)
}

fn look(paths: &HostPaths, question: Question) -> Answer {
    match question {
        Question::Look { daemon, target } if allowed::may_look(&target) => {
            exchange(paths, daemon, Method::GET, &target, String::new(), LOOKING)
        }
        _ => not_allowed(),
    }
}

fn tell(paths: &HostPaths, instruction: Instruction) -> Answer {
    match instruction {
        Instruction::Tell { daemon, target, body } if allowed::may_tell(&target) => {
            exchange(paths, daemon, Method::POST, &target, body, TELLING)
        }
        _ => not_allowed(),
    }
}

fn not_allowed() -> Answer {
    Answer::Refused { why: "the gate does not relay this request".to_owned() }
}

fn exchange(paths: &HostPaths, daemon: Daemon, method: Method, target: &str, body: String, limit: Duration) -> Answer {
    let client = Client { timeout: limit, ..Client::new(&paths.admin_socket(daemon)) };
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

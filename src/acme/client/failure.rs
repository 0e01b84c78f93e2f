//! Why an order has failed, in words, and what that means for the next one.

use std::fmt::Write;

use instant_acme::{Error, Problem};

use super::http::{Http, Unreached};
use crate::acme::schedule::Cause;
use crate::acme::steps::OrderFailure;

/// The CA could not be asked, or not as the document says.
pub(super) fn unasked(why: String) -> OrderFailure {
    OrderFailure::without_retry_after(Cause::Unasked, why)
}

/// The CA has refused, for a reason that is known.
pub(super) fn refused(why: String, http: &Http) -> OrderFailure {
    OrderFailure { why, cause: Cause::Refused, retry_after: http.retry_after(), account_is_gone: false }
}

/// What an error of the library means.
pub(super) fn of(error: &Error, http: &Http) -> OrderFailure {
    match error {
        Error::Api(problem) => {
            let account_is_gone = is_of(problem, "accountDoesNotExist");
            // An error of the CA's own does not last, the next order has other nonces, and an account that is gone is made anew: none of
            // them is a refusal.
            let passes = account_is_gone || is_of(problem, "serverInternal") || is_of(problem, "badNonce");
            let cause = if passes { Cause::Unasked } else { Cause::Refused };
            OrderFailure { why: in_words(problem), cause, retry_after: http.retry_after(), account_is_gone }
        }
        Error::Other(other) if other.is::<Unreached>() => unasked(format!("the CA cannot be reached: {other}")),
        other => refused(other.to_string(), http),
    }
}

/// Whether a problem is of this type (RFC 8555, 6.7).
pub(super) fn is_of(problem: &Problem, kind: &str) -> bool {
    let of_acme = problem.r#type.as_deref().and_then(|text| text.strip_prefix("urn:ietf:params:acme:error:"));
    of_acme == Some(kind)
}

/// What the CA says is wrong.
pub(super) fn in_words(problem: &Problem) -> String {
    let mut words = String::from("the CA says: ");
    words.push_str(problem.detail.as_deref().unwrap_or("no reason"));
    if let Some(kind) = &problem.r#type {
        let _ = write!(words, " ({})", kind.trim_start_matches("urn:ietf:params:acme:error:"));
    }
    for sub in &problem.subproblems {
        let _ = write!(words, "; {}", sub.detail.as_deref().unwrap_or_default());
    }
    words
}

#[cfg(test)]
mod tests;

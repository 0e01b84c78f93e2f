//! What the table of differences asks of a case: where the two part, and what is odd about its requests and answers.

use crate::cases::{Case, Request};
use crate::compare::{Aspect, request_fields};
use crate::scripts::Action;
use crate::visit::{Outcome, Response};

/// Fields that HAProxy passes on and polder does not.
pub const DROPPED: [&str; 9] =
    ["te", "proxy", "x-real-ip", "keep-alive", "proxy-connection", "upgrade", "connection", "expect", "x-drop"];

/// A case in which the two differ in an aspect.
pub struct Seen<'a> {
    pub case: &'a Case,
    pub aspect: Aspect,
    pub polder: &'a Outcome,
    pub haproxy: &'a Outcome,
}

impl Seen<'_> {
    /// Where the statuses part.
    pub fn place(&self) -> usize {
        let status = |outcome: &Outcome, n: usize| outcome.responses.get(n).map(|response| response.head.status());
        (0..self.case.requests.len()).find(|n| status(self.polder, *n) != status(self.haproxy, *n)).unwrap_or(0)
    }

    /// The request whose answers differ.
    pub fn request(&self) -> Option<&Request> {
        self.case.requests.get(self.place())
    }

    /// Whether the fields that arrive are the same but for those that polder drops, and these.
    pub fn alike_without(&self, more: &[&str]) -> bool {
        let without = [&DROPPED[..], &["trailer"], more].concat();
        request_fields(self.polder, &without) == request_fields(self.haproxy, &without)
    }

    pub fn answers(&self, like: impl Fn(&str) -> bool) -> bool {
        self.case.script.iter().filter_map(Action::answer).any(like)
    }

    pub fn any(&self, has: impl Fn(&Request) -> bool) -> bool {
        self.case.requests.iter().any(has)
    }

    /// polder's status for it; 0 for none.
    pub fn ours(&self) -> u16 {
        self.polder.responses.get(self.place()).map_or(0, |response| response.head.status())
    }

    /// HAProxy's.
    pub fn theirs(&self) -> u16 {
        self.haproxy.responses.get(self.place()).map_or(0, |response| response.head.status())
    }

    /// polder itself answers with this status a request that has this.
    pub fn refuses(&self, status: u16, has: impl Fn(&Request) -> bool) -> bool {
        self.polder.responses.get(self.place()).is_some_and(Response::is_own)
            && self.ours() == status
            && self.request().is_some_and(has)
    }
}

pub fn has_one_good_host(request: &Request) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte);
    match request.values("host")[..] {
        [host] => host.bytes().all(good) && !host.ends_with(":x"),
        _ => false,
    }
}

pub fn has_other_coding(request: &Request) -> bool {
    request.values("transfer-encoding").iter().any(|value| !value.eq_ignore_ascii_case("chunked"))
        || request.values("transfer-encoding").len() > 1
}

pub fn has_odd_chunks(body: &str) -> bool {
    body.starts_with(' ') || body.starts_with("5 ") || body.contains("X T")
}

pub fn has_ambiguous_length(request: &Request) -> bool {
    let lengths = request.values("content-length");
    lengths.len() > 1
        || lengths
            .iter()
            .any(|length| length.contains([',', ' ', '+', '-', 'x']) || length.is_empty() || length.len() > 18)
        || !lengths.is_empty() && !request.values("transfer-encoding").is_empty()
}

pub fn is_malformed(field: &str) -> bool {
    let name = field.split(':').next().unwrap_or_default();
    !field.contains(':')
        || name.is_empty()
        || name.contains([' ', '('])
        || field.contains("\r\n")
        || field.chars().any(|character| character.is_ascii_control() && character != '\t')
}

/// Whether HTTP does not allow this answer, or it ends early.
pub fn is_malformed_answer(action: &Action) -> bool {
    const MARKS: [&str; 18] = [
        "999",
        "HTTP/1.1 20 ",
        "2000",
        "HTTP/2.0",
        "HTTX",
        "garbage",
        "Content-Length: 3",
        "2, 2",
        "+2",
        "gzip, chunked",
        "zz",
        "okX",
        "X-Fold",
        "X Space",
        "X-Space",
        "X-Nul",
        "HTTP/1.1 101",
        "HTTP/1.0 200 OK\r\nX-Backend: 1\r\nTransfer",
    ];
    let doubled = "Content-Length: 2\r\nContent-Length: 2";
    let both = "Content-Length: 2\r\nTransfer-Encoding";
    action.answer().is_some_and(|answer| {
        MARKS.iter().chain([&doubled, &both]).any(|mark| answer.contains(mark))
            || answer.ends_with("hello\r\n")
            || answer.ends_with("Early Hints\r\n\r\n")
            || answer.ends_with("X-Back")
            || !answer.contains('\r')
    })
}

//! The differences that are meant, with their reasons: docs/differences.md is the same table for people, and a test holds the two
//! together.

use crate::cases::{End, Request};
use crate::compare::Aspect::{self, *};
use crate::scripts::Action;
use crate::seen::{
    DROPPED, Seen, has_ambiguous_length, has_odd_chunks, has_one_good_host, has_other_coding, is_malformed,
    is_malformed_answer,
};
use crate::visit::Outcome;

pub struct Row {
    /// As docs/differences.md has it.
    pub name: &'static str,
    pub aspects: &'static [Aspect],
    pub holds: fn(&Seen<'_>) -> bool,
    /// Who says so, as docs/differences.md has it.
    pub source: &'static str,
}

/// What polder refuses by itself, by the status it says that with.
const fn refusal(name: &'static str, holds: fn(&Seen<'_>) -> bool, source: &'static str) -> Row {
    Row { name, aspects: &[Statuses], holds, source }
}

pub const ROWS: [Row; 46] = [
    refusal(
        "HTTP/1.1 without Host, with several, or with one that is no host",
        |seen| seen.refuses(400, |request| !has_one_good_host(request)),
        "RFC 9112, 3.2",
    ),
    refusal(
        "`Expect` with anything but 100-continue, or several",
        |seen| {
            seen.refuses(417, |request| request.values("expect").contains(&"more"))
                || seen.refuses(400, |request| request.values("expect").len() > 1)
        },
        "RFC 9110, 10.1.1",
    ),
    refusal(
        "HTTP/2.0 and later in a request line",
        |seen| seen.refuses(505, |request| request.line.contains("HTTP/2")),
        "RFC 9110, 15.6.6",
    ),
    refusal("CONNECT", |seen| seen.refuses(501, |request| request.method() == "CONNECT"), "RFC 9110, 9.3.6"),
    refusal(
        "A transfer coding other than chunked, alone",
        |seen| seen.refuses(501, has_other_coding) || seen.refuses(400, has_other_coding),
        "RFC 9112, 6.1",
    ),
    refusal(
        "The target `*` with a method other than OPTIONS",
        |seen| seen.refuses(400, |request| request.target() == "*" && request.method() != "OPTIONS"),
        "RFC 9112, 3.2.4",
    ),
    refusal(
        "Several Content-Length fields or values, or Content-Length beside Transfer-Encoding",
        |seen| seen.refuses(400, has_ambiguous_length),
        "RFC 9112, 6.3",
    ),
    refusal(
        "A line that ends without CR",
        |seen| seen.refuses(400, |request| request.text().replace("\r\n", "").contains('\n')),
        "RFC 9112, 2.2",
    ),
    Row {
        name: "Lines that end in CR CR LF, or in CR",
        aspects: &[Statuses],
        holds: |seen| {
            seen.ours() == 0 && seen.request().is_some_and(|request| matches!(request.line_end, "\r\r\n" | "\r"))
        },
        source: "RFC 9112, 2.2",
    },
    refusal(
        "A field that is malformed: a control character, no colon, white space in or behind its name, folded lines",
        |seen| seen.refuses(400, |request| request.fields.iter().any(|field| is_malformed(field))),
        "RFC 9112, 5",
    ),
    refusal(
        "White space before a request, or more than one empty line",
        |seen| seen.refuses(400, |request| request.line.starts_with([' ', '\n', '\r'])),
        "RFC 9112, 2.2",
    ),
    refusal(
        "A request line with other spaces or another version than HTTP/1.1 has",
        |seen| {
            seen.refuses(400, |request| !request.line.ends_with(" HTTP/1.1") || request.line.split(' ').count() != 3)
        },
        "RFC 9112, 3",
    ),
    refusal(
        "A target with characters that no URI has",
        |seen| seen.refuses(400, |request| request.target().contains(['\\', '"', '[', '#', '\u{fc}'])),
        "RFC 9112, 3.2",
    ),
    Row {
        name: "A target with an authority that is not Host's",
        aspects: &[Statuses],
        holds: |seen| {
            seen.theirs() == 400
                && seen.request().is_some_and(|request| request.target().to_ascii_lowercase().starts_with("http"))
        },
        source: "RFC 9112, 3.2.2",
    },
    refusal(
        "A target without path or scheme, with another method than CONNECT",
        |seen| seen.refuses(400, |request| request.target().starts_with("www")),
        "RFC 9112, 3.2.3",
    ),
    refusal(
        "A target with the scheme https, without TLS",
        |seen| seen.refuses(400, |request| request.target().starts_with("https:")),
        "RFC 9110, 7.4",
    ),
    Row {
        name: "A Host with a final dot",
        aspects: &[Statuses],
        holds: |seen| {
            seen.theirs() == 404 && seen.request().is_some_and(|request| request.values("host")[..] == ["www.test."])
        },
        source: "RFC 3986, 3.2.2",
    },
    Row {
        name: "Fields with an underscore",
        aspects: &[RequestFields],
        holds: |seen| seen.alike_without(&["x_under"]) && seen.any(|request| !request.values("x_under").is_empty()),
        source: "RFC 3875, 4.1.18",
    },
    Row {
        name: "Trailers that would frame a message, and the field Trailer",
        aspects: &[Requests, RequestFields],
        holds: |seen| {
            seen.any(|request| request.body.contains("Content-Length") || !request.values("trailer").is_empty())
        },
        source: "RFC 9110, 6.5.1",
    },
    Row {
        name: "A target with an authority, on its way to the backend",
        aspects: &[Requests],
        holds: |seen| seen.any(|request| request.target().to_ascii_lowercase().starts_with("http")),
        source: "RFC 9112, 3.2.1",
    },
    Row {
        name: "A malformed or incomplete response",
        aspects: &[Statuses, Interim, Bodies],
        holds: |seen| seen.ours() == 502 && seen.case.script.iter().any(is_malformed_answer),
        source: "RFC 9110, 15.6.3",
    },
    Row {
        name: "Framing fields of a response to HEAD that would be malformed in another",
        aspects: &[Statuses],
        holds: |seen| {
            seen.theirs() == 502
                && seen.request().is_some_and(Request::is_head)
                && seen.case.script.iter().any(is_malformed_answer)
        },
        source: "RFC 9112, 6.3",
    },
    Row {
        name: "A chunked response that ends early",
        aspects: &[Bodies],
        holds: |seen| {
            let polder_says_so = seen.polder.responses.iter().any(|response| !response.body.whole);
            polder_says_so && seen.answers(|answer| answer.ends_with("hello\r\n"))
        },
        source: "RFC 9112, 8",
    },
    Row {
        name: "A visitor who closes within a head",
        aspects: &[Statuses],
        holds: |seen| seen.ours() == 0 && seen.theirs() == 400 && seen.case.end == End::CloseHalf,
        source: "RFC 9112, 8",
    },
    Row {
        name: "A visitor who has closed the sending half, with requests to be answered",
        aspects: &[Statuses, Connection, Requests, Bodies, RequestFields, Interim],
        holds: |seen| seen.case.end == End::CloseHalf && (seen.theirs() == 0 || seen.theirs() == 400),
        source: "RFC 9293, 3.6",
    },
    Row {
        name: "A request with a body that the proxy answers itself",
        aspects: &[Statuses, Connection],
        holds: |seen| {
            let before = if seen.aspect == Statuses { seen.place() } else { usize::MAX };
            let pairs = seen.polder.responses.iter().zip(&seen.case.requests).take(before);
            let mut own = pairs.filter(|(response, request)| response.is_own() && request.has_body());
            (seen.aspect == Connection || seen.ours() == 0) && own.next().is_some()
        },
        source: "RFC 9112, 9.6",
    },
    Row {
        name: "A chunked response to HTTP/1.0",
        aspects: &[Statuses, Connection, Bodies],
        holds: |seen| {
            let whole = |outcome: &Outcome| -> Vec<bool> {
                outcome.responses.iter().map(|response| response.body.whole).collect()
            };
            (seen.aspect != Bodies || whole(seen.polder) == whole(seen.haproxy))
                && seen.answers(|answer| answer.contains("chunked"))
                && seen.any(|request| request.line.ends_with("HTTP/1.0"))
        },
        source: "RFC 9112, 6.1",
    },
    Row {
        name: "A response that comes before the request's body",
        aspects: &[Statuses, Connection],
        holds: |seen| {
            let early = seen.case.script.iter().any(|action| matches!(action, Action::AnswerEarly(_)));
            early && (seen.aspect == Connection || seen.ours() == 0) && seen.any(Request::has_body)
        },
        source: "RFC 9112, 9.3",
    },
    Row {
        name: "A response that ends with its connection",
        aspects: &[Statuses, Connection, Bodies],
        holds: |seen| {
            (seen.aspect != Statuses || seen.theirs() == 0) && seen.answers(|answer| answer.ends_with("until the end"))
        },
        source: "RFC 9112, 7.1",
    },
    Row {
        name: "`Expect: 100-continue`",
        aspects: &[Interim],
        holds: |seen| seen.any(|request| !request.values("expect").is_empty()),
        source: "RFC 9110, 10.1.1",
    },
    Row {
        name: "Commas between cookies",
        aspects: &[RequestFields, Cookie, Backend],
        holds: |seen| {
            let alike = seen.aspect != RequestFields || seen.alike_without(&["cookie", "x_under"]);
            alike && seen.any(|request| request.values("cookie").iter().any(|value| value.contains(',')))
        },
        source: "RFC 6265, 4.2.1",
    },
    Row {
        name: "A cookie's value in quotes",
        aspects: &[Cookie, Backend],
        holds: |seen| seen.any(|request| request.values("cookie").iter().any(|value| value.contains('"'))),
        source: "RFC 6265, 4.1.1",
    },
    Row {
        name: "Fields of one hop, and those that backends believe of gateways",
        aspects: &[RequestFields],
        holds: |seen| {
            seen.alike_without(&[]) && seen.any(|request| DROPPED.iter().any(|name| !request.values(name).is_empty()))
        },
        source: "RFC 9110, 7.6.1",
    },
    Row {
        name: "Fields of one hop in a response",
        aspects: &[ResponseFields],
        holds: |seen| {
            seen.case.script.iter().any(|action| {
                action.answer().is_some_and(|answer| answer.contains("X-Hop") || answer.contains("Upgrade"))
            })
        },
        source: "RFC 9110, 7.6.1",
    },
    Row {
        name: "A backend that fails a request",
        aspects: &[Cookie, Backend],
        holds: |seen| seen.case.script.iter().any(Action::fails),
        source: "RFC 9110, 9.2.2",
    },
    Row {
        name: "A backend that fails a request that may be sent again",
        aspects: &[Statuses, Requests],
        holds: |seen| {
            let failed = [seen.ours(), seen.theirs()].iter().any(|status| matches!(status, 0 | 400 | 500 | 502));
            (failed || seen.aspect == Requests) && seen.case.script.iter().any(Action::fails)
        },
        source: "RFC 9110, 9.2.2",
    },
    Row {
        name: "What the proxy answers itself, or refuses",
        aspects: &[Requests],
        holds: |seen| {
            let own = |outcome: &Outcome| outcome.responses.iter().filter(|response| response.is_own()).count();
            own(seen.polder) > 0 && seen.polder.arrived.len() < seen.haproxy.arrived.len()
        },
        source: "RFC 9112, 9.6",
    },
    Row {
        name: "Upgrade to websocket without the fields that it needs",
        aspects: &[Statuses],
        holds: |seen| {
            seen.theirs() == 400 && seen.request().is_some_and(|request| request.values("upgrade") == ["websocket"])
        },
        source: "RFC 6455, 4.2.1",
    },
    Row {
        name: "GET of HTTP/1.0 with a body",
        aspects: &[Statuses],
        holds: |seen| {
            seen.theirs() == 413
                && seen.request().is_some_and(|request| request.line.ends_with("/1.0") && request.has_body())
        },
        source: "RFC 9110, 9.3.1",
    },
    refusal(
        "Chunks with white space around their size, malformed trailers",
        |seen| seen.refuses(400, |request| has_odd_chunks(&request.body)),
        "RFC 9112, 7.1",
    ),
    refusal(
        "TRACE with a body",
        |seen| seen.refuses(400, |request| request.method() == "TRACE" && request.has_body()),
        "RFC 9110, 9.3.8",
    ),
    Row {
        name: "A malformed body of a request that is answered by the proxy itself",
        aspects: &[Statuses],
        holds: |seen| seen.refuses(404, Request::has_body) && seen.theirs() == 400,
        source: "RFC 9112, 9.6",
    },
    Row {
        name: "Interim responses to HTTP/1.0",
        aspects: &[Interim],
        holds: |seen| {
            seen.any(|request| request.line.ends_with("HTTP/1.0"))
                && seen.polder.responses.iter().any(|response| response.interim.is_empty())
        },
        source: "RFC 9110, 15.2",
    },
    Row {
        name: "Fields that Connection names",
        aspects: &[RequestFields],
        holds: |seen| {
            seen.alike_without(&["cookie", "x_under"])
                && seen.any(|request| request.values("connection").contains(&"cookie"))
        },
        source: "RFC 9110, 7.6.1",
    },
    Row {
        name: "Upgrade with a body",
        aspects: &[Statuses],
        holds: |seen| seen.request().is_some_and(|request| request.has_body() && !request.values("upgrade").is_empty()),
        source: "RFC 9110, 7.8",
    },
    Row {
        name: "OPTIONS and TRACE with Max-Forwards",
        aspects: &[Statuses, Interim, Requests, Bodies, RequestFields, ResponseFields, Cookie],
        holds: |seen| {
            seen.any(|request| {
                matches!(request.method(), "OPTIONS" | "TRACE") && !request.values("max-forwards").is_empty()
            })
        },
        source: "RFC 9110, 7.6.2",
    },
];

pub fn explain(seen: &Seen<'_>) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.aspects.contains(&seen.aspect) && (row.holds)(seen))
}

#[test]
fn every_difference_stands_in_docs_with_its_source() {
    let text = include_str!("../../docs/differences.md");
    for row in ROWS {
        let told = text.lines().find(|line| line.starts_with(&format!("| {} |", row.name)));
        let told = told.unwrap_or_else(|| panic!("docs/differences.md has no row \"{}\"", row.name));
        assert!(told.contains(row.source), "docs/differences.md gives another source than {} for: {told}", row.source);
    }
}

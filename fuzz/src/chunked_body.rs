//! A chunked body: polder's reader, fed in pieces, against a naive one that sees the whole (RFC 9112, 7.1).
//!
//! Two readers that disagree on where a body ends are what request smuggling lives on.

use polder::proxy::traffic::http1::body::{Framing, Malformed, Reader, Step};
use polder::proxy::traffic::http1::trailers;
use polder::proxy::traffic::message::Length;

use crate::cut::Cuts;

/// What a body comes to: its data, the trailer section, and how many bytes of the input it took. None: more is to come.
type Decoded = Result<Option<(Vec<u8>, Vec<u8>, usize)>, Malformed>;

/// The first byte says how the input is cut into reads; the rest is the body.
pub fn check(input: &[u8]) {
    let Some((seed, body)) = input.split_first() else { return };
    let decoded = decode(body, Cuts::new(*seed));
    assert_eq!(decoded, decode(body, Cuts::whole()), "it depends on how the reads are cut");
    match (naive(body), decoded) {
        (Naive::Malformed, decoded) => assert!(!matches!(decoded, Ok(Some(_))), "a malformed body was taken"),
        (Naive::More, decoded) => assert!(!matches!(decoded, Ok(Some(_))), "a body that has not ended was taken"),
        // polder bounds what it takes, and need not take all that is well-formed.
        (Naive::Whole { .. }, Err(Malformed)) => {}
        (Naive::Whole { data, end }, Ok(Some((ours, trailers, used)))) => {
            assert_eq!((&ours, used), (&data, end), "the two readers disagree");
            passes_on(&ours, &trailers);
        }
        (Naive::Whole { end, .. }, Ok(None)) => panic!("more is awaited, though the body ended at {end}"),
    }
}

/// What is sent on has the same data, whatever pieces it goes in, and trailers that frame nothing.
fn passes_on(data: &[u8], section: &[u8]) {
    let mut sent = Vec::new();
    for piece in data.chunks(7) {
        Framing::Chunked.before(&mut sent, piece.len());
        sent.extend_from_slice(piece);
        Framing::Chunked.after(&mut sent);
    }
    sent.extend_from_slice(b"0\r\n");
    if trailers::write(section, &mut sent).is_err() {
        return;
    }
    sent.extend_from_slice(b"\r\n");
    let again = decode(&sent, Cuts::whole()).expect("what is sent on is well-formed").expect("and whole");
    assert_eq!((again.0.as_slice(), again.2), (data, sent.len()), "what is sent on is another body");
    for line in again.1.split(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
        assert!(!["content-length", "transfer-encoding", "host"].iter().any(|never| name == never.as_bytes()));
    }
}

fn decode(body: &[u8], mut cuts: Cuts) -> Decoded {
    let (mut reader, mut data, mut at, mut end) = (Reader::new(Length::Chunked), Vec::new(), 0, 0);
    loop {
        match reader.next(&body[at..end])? {
            Step::Data { skip, length } => {
                assert!(length > 0, "a step of no data");
                data.extend_from_slice(&body[at + skip..at + skip + length]);
                at += skip + length;
            }
            Step::More { skip } => {
                at += skip;
                if end == body.len() {
                    return Ok(None);
                }
                end = (end + cuts.next()).min(body.len());
            }
            Step::End { skip, trailers } => {
                at += skip;
                assert!(reader.is_over());
                return Ok(Some((data, body[at - trailers..at].to_vec(), at)));
            }
        }
    }
}

enum Naive {
    Malformed,
    More,
    Whole { data: Vec<u8>, end: usize },
}

/// The grammar read aloud: a line with a size, as many bytes, an empty line; at the end lines up to an empty one.
fn naive(body: &[u8]) -> Naive {
    let mut data = Vec::new();
    let mut at = 0;
    loop {
        let Some(line) = line(body, at) else { return Naive::More };
        at += line.len() + 2;
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let text = std::str::from_utf8(digits).unwrap_or("no digits");
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let Some(size) = u64::from_str_radix(text, 16).ok().filter(|_| plain) else { return Naive::Malformed };
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let Some(chunk) = at.checked_add(size).and_then(|end| body.get(at..end)) else { return Naive::More };
        data.extend_from_slice(chunk);
        at += size;
        match body.get(at..at + 2) {
            Some(b"\r\n") => at += 2,
            Some(_) => return Naive::Malformed,
            None => return Naive::More,
        }
    }
    loop {
        let Some(line) = line(body, at) else { return Naive::More };
        at += line.len() + 2;
        if line.is_empty() {
            return Naive::Whole { data, end: at };
        }
    }
}

/// The line that begins at `at`, without its CR LF.
fn line(body: &[u8], at: usize) -> Option<&[u8]> {
    let rest = body.get(at..)?;
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    Some(&rest[..end])
}

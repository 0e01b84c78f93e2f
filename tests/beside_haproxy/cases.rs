//! Random cases: requests as lines and bytes, how they are sent, and what the backends do with them.

use std::fmt;

use fastrand::Rng;

use crate::scripts::Action;

/// One request as it is sent. `@a@`, `@b@` and `@dead@` stand for the addresses of backends.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub line: String,
    pub fields: Vec<String>,
    pub body: String,
    /// Behind each line of the head.
    pub line_end: &'static str,
}

/// How the visitor ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// With another request, which shows whether the connection is kept.
    Probe,
    /// By closing the sending half after the last byte.
    CloseHalf,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub requests: Vec<Request>,
    /// Bytes of the last request that are never sent.
    pub cut: usize,
    /// Where the bytes are split, with a pause: in percent.
    pub pauses: Vec<usize>,
    pub end: End,
    /// What backends do with the requests that arrive, in their order; those behind the last one are answered.
    pub script: Vec<Action>,
}

const METHODS: [&str; 14] = [
    "GET", "GET", "GET", "POST", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "get",
    "M-SEARCH",
];

const TARGETS: [&str; 22] = [
    "/",
    "/",
    "/a?b=c",
    "/a?b=c",
    "/a%20b",
    "/a#f",
    "//x",
    "*",
    "http://www.test/abs",
    "http://plain.test/abs?q",
    "HTTP://www.test",
    "http://www.test:80?x",
    "https://www.test/x",
    "/%zz",
    "/a\\b",
    "/[x]",
    "/a\"b",
    "/\u{fc}",
    "www.test:80",
    "/../x",
    "/a/./b",
    "http://other.test/x",
];

const VERSIONS: [&str; 16] = [
    " HTTP/1.1",
    " HTTP/1.1",
    " HTTP/1.1",
    " HTTP/1.1",
    " HTTP/1.1",
    " HTTP/1.1",
    " HTTP/1.1",
    " HTTP/1.0",
    " HTTP/1.0",
    " HTTP/1.2",
    " HTTP/2.0",
    "",
    " http/1.1",
    " HTTP/1.1 ",
    "  HTTP/1.1",
    " HTTP/1",
];

const HOSTS: [&str; 17] = [
    "Host: www.test",
    "Host: www.test",
    "Host: plain.test",
    "host: WWW.test",
    "Host: www.test:80",
    "Host: www.test.",
    "Host:www.test",
    "Host:  www.test ",
    "Host: ",
    "Host: [::1]",
    "Host: user@www.test",
    "Host: www.test, plain.test",
    "Host: unknown.test",
    "Host: www.test:",
    "Host: www.test:x",
    "Host: none.test",
    "Host: www_test",
];

const COOKIES: [&str; 16] = [
    "polder-www=@a@",
    "polder-www=@b@",
    "x=1; polder-www=@b@; y=2",
    "polder-www=\"@b@\"",
    "polder-www = @b@",
    "Polder-WWW=@b@",
    "polder-www=@a@; polder-www=@b@",
    "x=1, polder-www=@b@",
    "polder-www=nonsense",
    "polder-www=",
    "polder-www",
    "x=polder-www=@b@",
    "polder-www=@b@;",
    ";polder-www=@b@",
    "polder-www=nonsense; polder-www=@b@",
    "a=b; c",
];

const MISC: [&str; 46] = [
    "Accept: */*",
    "X-Empty:",
    "X-Tab:\tv\t",
    "X-Long: vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv",
    "X-Twice: 1",
    "X-Twice: 2",
    "Connection: close",
    "Connection: close",
    "Connection: keep-alive",
    "Connection: Keep-Alive, X-Drop",
    "X-Drop: me",
    "Connection: x-drop, close",
    "Connection: host",
    "Connection: cookie",
    "Keep-Alive: timeout=5",
    "Proxy-Connection: close",
    "TE: trailers",
    "Connection: te",
    "TE: gzip",
    "Upgrade: websocket",
    "Connection: upgrade",
    "Expect: 100-continue",
    "Expect: 100-Continue",
    "Expect: more",
    "X-Forwarded-For: 6.6.6.6",
    "X_Forwarded_For: 6.6.6.6",
    "X_Under: 1",
    "Content_Length: 3",
    "Forwarded: for=6.6.6.6",
    "X-Real-IP: 6.6.6.6",
    "Via: 1.1 other",
    "Max-Forwards: 0",
    "Max-Forwards: 5",
    "Proxy: evil",
    "X-High: \u{fc}",
    "X Space: 1",
    "X-Space : 1",
    "No-Colon",
    ": no name",
    "X-Fold: a\r\n b",
    "X-Control: a\u{1}b",
    "X-Nul: a\0b",
    "X-Del: a\u{7f}b",
    "X(Paren): 1",
    "Trailer: X-T",
    "Authorization: Basic eDp5",
];

const BODIES: [(&[&str], &str); 40] = [
    (&["Content-Length: 5"], "hello"),
    (&["Content-Length: 5"], "hello"),
    (&["Content-Length: 0"], ""),
    (&["content-length:5 "], "hello"),
    (&["Content-Length: 05"], "hello"),
    (&["Content-Length: +5"], "hello"),
    (&["Content-Length: -5"], "hello"),
    (&["Content-Length: 5, 5"], "hello"),
    (&["Content-Length: 5, 6"], "hello"),
    (&["Content-Length: 5", "Content-Length: 5"], "hello"),
    (&["Content-Length: 5", "Content-Length: 6"], "hello"),
    (&["Content-Length: "], "hello"),
    (&["Content-Length: 0x5"], "hello"),
    (&["Content-Length: 5 5"], "hello"),
    (&["Content-Length: 99999999999999999999"], "hello"),
    (&["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: Chunked"], "0005\r\nhello\r\n0\r\n\r\n"),
    (&["transfer-encoding: chunked"], "5;x=y\r\nhello\r\n000\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "5;x=\"y\r\n\"\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "5 \r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], " 5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "5\nhello\n0\n\n"),
    (&["Transfer-Encoding: chunked"], "5\r\nhello\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "5\r\nhelloX\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "-5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "0x5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\nContent-Length: 1\r\n\r\n"),
    (&["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\nX T: 1\r\n\r\n"),
    (&["Transfer-Encoding: chunked", "Content-Length: 5"], "5\r\nhello\r\n0\r\n\r\n"),
    (&["Content-Length: 15", "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked, chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: gzip, chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: identity"], "hello"),
    (&["Transfer-Encoding: chunked, identity"], "5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    (&["Transfer-Encoding: xchunked"], "5\r\nhello\r\n0\r\n\r\n"),
];

fn pick<T: Copy>(random: &mut Rng, from: &[T]) -> T {
    from[random.usize(..from.len())]
}

/// Yes, once in so many times.
fn once_in(random: &mut Rng, times: u32) -> bool {
    random.u32(..times) == 0
}

impl Case {
    pub fn random(seed: u64) -> Case {
        let random = &mut Rng::with_seed(seed);
        let count = pick(random, &[1, 1, 1, 2, 3]);
        let requests: Vec<Request> = (0..count).map(|_| Request::random(random)).collect();
        let pauses = if once_in(random, 4) {
            (0..random.usize(1..4)).map(|_| random.usize(..100)).collect()
        } else {
            Vec::new()
        };
        let script = (0..random.usize(..3)).map(|_| Action::random(random)).collect();
        let (cut, end) = match random.u8(..10) {
            0 => (random.usize(1..8), End::CloseHalf),
            1 | 2 => (0, End::CloseHalf),
            _ => (0, End::Probe),
        };
        Case { requests, cut, pauses, end, script }
    }

    /// The bytes, in the parts in which they are sent.
    pub fn parts(&self, address: impl Fn(&str) -> String) -> Vec<Vec<u8>> {
        let text: String = self.requests.iter().map(Request::text).collect();
        let text =
            ["a", "b", "dead"].iter().fold(text, |text, name| text.replace(&format!("@{name}@"), &address(name)));
        // Latin-1: what is above ASCII is one byte.
        let bytes: Vec<u8> = text.chars().map(|character| character as u8).collect();
        let bytes = &bytes[..bytes.len() - self.cut.min(bytes.len() - 1)];
        let mut ends: Vec<usize> =
            self.pauses.iter().map(|percent| bytes.len() * percent / 100).chain([bytes.len()]).collect();
        ends.sort_unstable();
        let mut from = 0;
        ends.into_iter().map(|end| bytes[std::mem::replace(&mut from, end)..end].to_vec()).collect()
    }

    /// Cases with less in them that may fail alike.
    pub fn smaller(&self) -> Vec<Case> {
        let mut all = Vec::new();
        let mut with = |change: &dyn Fn(&mut Case)| {
            let mut case = self.clone();
            change(&mut case);
            all.push(case);
        };
        with(&|case| case.pauses.clear());
        with(&|case| case.script.clear());
        with(&|case| case.script.truncate(case.script.len().saturating_sub(1)));
        with(&|case| (case.cut, case.end) = (0, End::Probe));
        with(&|case| case.cut = 0);
        for n in 0..self.requests.len() {
            if self.requests.len() > 1 {
                with(&|case| drop(case.requests.remove(n)));
            }
            for field in 0..self.requests[n].fields.len() {
                with(&|case| drop(case.requests[n].fields.remove(field)));
            }
            with(&|case| case.requests[n].body.clear());
            with(&|case| case.requests[n].line_end = "\r\n");
            with(&|case| case.requests[n].line = "GET / HTTP/1.1".into());
            with(&|case| case.requests[n].line = "POST / HTTP/1.1".into());
        }
        all.retain(|case| case != self);
        all
    }
}

impl Request {
    fn random(random: &mut Rng) -> Request {
        // Mostly one thing that is odd.
        let odd = |random: &mut Rng, times: u32| once_in(random, times);
        let mut method = pick(random, &["GET", "GET", "POST"]);
        let mut target = pick(random, &["/", "/a?b=c"]);
        let mut version = " HTTP/1.1";
        if odd(random, 6) {
            method = pick(random, &METHODS);
        }
        if odd(random, 8) {
            target = pick(random, &TARGETS);
        }
        if odd(random, 8) {
            version = pick(random, &VERSIONS);
        }
        let mut fields: Vec<String> = Vec::new();
        match random.u8(..12) {
            0 => fields.push(pick(random, &HOSTS).into()),
            1 if odd(random, 3) => {}
            1 => fields.extend([pick(random, &HOSTS).into(), pick(random, &HOSTS).into()]),
            2 => fields.push("Host: plain.test".into()),
            _ => fields.push("Host: www.test".into()),
        }
        if odd(random, 2) {
            fields.push(format!("Cookie: {}", pick(random, &COOKIES)));
        }
        if odd(random, 10) {
            fields.push(format!("Cookie: {}", pick(random, &COOKIES)));
        }
        for _ in 0..pick(random, &[0, 0, 1, 2]) {
            fields.push(pick(random, &MISC).into());
        }
        let mut body = "";
        if method == "POST" || odd(random, 8) {
            let (framing, bytes) = if odd(random, 2) { BODIES[15] } else { pick(random, &BODIES) };
            fields.extend(framing.iter().map(|field| (*field).into()));
            body = bytes;
        }
        if odd(random, 4) {
            random.shuffle(&mut fields);
        }
        let line_end = if odd(random, 40) { pick(random, &["\n", "\r\r\n", "\r"]) } else { "\r\n" };
        let before = if odd(random, 40) { pick(random, &["\r\n", "\n", " ", "\r\n\r\n"]) } else { "" };
        Request { line: format!("{before}{method} {target}{version}"), fields, body: body.into(), line_end }
    }

    pub fn text(&self) -> String {
        let end = self.line_end;
        let fields: String = self.fields.iter().map(|field| format!("{field}{end}")).collect();
        format!("{}{end}{fields}{end}{}", self.line, self.body)
    }

    /// The values of a field, by its name in lower case.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let fields = self.fields.iter().filter_map(|field| field.split_once(':'));
        fields.filter(|(own, _)| own.trim_end().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    pub fn method(&self) -> &str {
        self.line.trim_start().split(' ').next().unwrap_or_default()
    }

    pub fn target(&self) -> &str {
        self.line.trim_start().split(' ').nth(1).unwrap_or_default()
    }

    pub fn has_body(&self) -> bool {
        !self.body.is_empty()
            || !self.values("content-length").is_empty()
            || !self.values("transfer-encoding").is_empty()
    }

    pub fn is_head(&self) -> bool {
        self.method() == "HEAD"
    }
}

impl fmt::Display for Case {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for request in &self.requests {
            writeln!(to, "  {:?}", request.text())?;
        }
        writeln!(
            to,
            "  without its last {} bytes, with pauses at {:?} percent; then {:?}",
            self.cut, self.pauses, self.end
        )?;
        for action in &self.script {
            writeln!(to, "  backend: {action:?}")?;
        }
        Ok(())
    }
}

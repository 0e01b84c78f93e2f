//! HTTP/1 read from a socket by a reader of its own: strict enough to tell what is there, lenient enough not to fail on it.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;

#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub line: String,
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// The first value of a field, by its name in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub trailers: Vec<String>,
    pub whole: bool,
}

/// A connection's incoming side.
pub struct Incoming {
    pub stream: TcpStream,
    buffer: Vec<u8>,
    /// The other side will send no more.
    pub ended: bool,
    /// It has reset the connection.
    pub reset: bool,
}

impl Incoming {
    pub fn new(stream: TcpStream) -> Incoming {
        Incoming { stream, buffer: Vec::new(), ended: false, reset: false }
    }

    /// Waits for more; false at the end, or when the stream's time limit passes.
    fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.ended = true,
            Ok(length) => {
                self.buffer.extend_from_slice(&bytes[..length]);
                return true;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => (self.ended, self.reset) = (true, true),
        }
        false
    }

    /// A line without its end.
    fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=at).collect();
                line.truncate(line.len() - 1);
                line.pop_if(|last| *last == b'\r');
                return Some(line);
            }
            if !self.more() {
                return None;
            }
        }
    }

    pub fn head(&mut self) -> Option<Head> {
        let line = latin1(&self.line()?);
        let mut fields = Vec::new();
        loop {
            let field = latin1(&self.line()?);
            if field.is_empty() {
                return Some(Head { line, fields });
            }
            let (name, value) = field.split_once(':').unwrap_or((&field, ""));
            fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
        }
    }

    pub fn request_body(&mut self, head: &Head) -> Body {
        self.body(head, Some(0))
    }

    /// The body of a response; one without a length goes on to the end.
    pub fn response_body(&mut self, head: &Head, to_head: bool) -> Body {
        match head.status() {
            status if to_head || status < 200 || matches!(status, 204 | 304) => Body { whole: true, ..Body::default() },
            _ => self.body(head, None),
        }
    }

    fn body(&mut self, head: &Head, without_length: Option<usize>) -> Body {
        let chunked =
            head.field("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().ends_with("chunked"));
        if chunked {
            return self.chunked();
        }
        let length = head.field("content-length").and_then(|value| value.parse().ok()).or(without_length);
        match length {
            Some(length) => self.exactly(length),
            None => {
                while self.more() {}
                Body { bytes: std::mem::take(&mut self.buffer), trailers: Vec::new(), whole: self.ended && !self.reset }
            }
        }
    }

    fn exactly(&mut self, length: usize) -> Body {
        while self.buffer.len() < length && self.more() {}
        let whole = self.buffer.len() >= length;
        let bytes = self.buffer.drain(..length.min(self.buffer.len())).collect();
        Body { bytes, trailers: Vec::new(), whole }
    }

    fn chunked(&mut self) -> Body {
        let mut body = Body::default();
        while let Some(line) = self.line() {
            let text = latin1(&line);
            let Ok(size) = usize::from_str_radix(text.split(';').next().unwrap_or_default().trim(), 16) else {
                return body;
            };
            if size == 0 {
                return self.trailers(body);
            }
            let chunk = self.exactly(size);
            body.bytes.extend_from_slice(&chunk.bytes);
            if !chunk.whole || self.line().is_none_or(|line| !line.is_empty()) {
                return body;
            }
        }
        body
    }

    fn trailers(&mut self, mut body: Body) -> Body {
        while let Some(line) = self.line() {
            if line.is_empty() {
                body.whole = true;
                break;
            }
            let line = latin1(&line);
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            body.trailers.push(format!("{}:{value}", name.to_ascii_lowercase()));
        }
        body
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| *byte as char).collect()
}

/// An answer as bytes; to HEAD without the body of its last head.
pub fn answer_bytes(answer: &str, head_only: bool) -> Vec<u8> {
    let mut bytes: Vec<u8> = answer.chars().map(|character| character as u8).collect();
    if head_only && let Some(end) = final_head_end(answer) {
        bytes.truncate(end);
    }
    bytes
}

fn final_head_end(answer: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + answer[from..].find("\r\n\r\n")? + 4;
        if !answer[from..].starts_with("HTTP/1.1 1") {
            return answer.is_ascii().then_some(end);
        }
        from = end;
    }
}

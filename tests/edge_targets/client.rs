//! A client of HTTP/1.1 on a bare socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::daemon::PATIENCE;

/// A response taken apart.
#[derive(Debug)]
pub struct Response {
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One connection.
pub struct Client(TcpStream);

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(stream)
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The head of the next response.
    pub fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// The next response. Of one to HEAD the head alone.
    pub fn response(&mut self, to_head: bool) -> Response {
        let mut response = Response { head: self.head(), body: Vec::new() };
        if !to_head && response.status() != 304 {
            response.body = match response.field("transfer-encoding") {
                Some(_) => self.chunks(),
                None => {
                    let length = response.field("content-length").expect("its length is known").parse().unwrap();
                    self.exactly(length)
                }
            };
        }
        response
    }

    fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let mut size = Vec::new();
            while !size.ends_with(b"\r\n") {
                size.extend(self.exactly(1));
            }
            let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim_end(), 16).unwrap();
            body.extend(self.exactly(size));
            assert_eq!(self.exactly(2), b"\r\n");
            if size == 0 {
                return body;
            }
        }
    }

    /// Asks on this connection.
    pub fn ask(&mut self, method: &str, url: &str, fields: &[(&str, &str)]) -> Response {
        let (host, path) = url.split_at(url.find('/').unwrap());
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.send(format!("{head}\r\n").as_bytes());
        self.response(method == "HEAD")
    }
}

/// Asks for `www.test/path` on a connection of its own.
pub fn get(address: SocketAddr, url: &str, fields: &[(&str, &str)]) -> Response {
    Client::connect(address).ask("GET", url, fields)
}

impl Client {
    /// Waits until something has come.
    pub fn first_bytes(&mut self) {
        self.0.read_exact(&mut [0; 16]).unwrap();
    }

    /// What comes until the connection ends, however it ends.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        // What had come before an error is there.
        let _ = self.0.read_to_end(&mut all);
        all
    }
}

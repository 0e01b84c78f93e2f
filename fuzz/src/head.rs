//! A second, naive reader of HTTP/1 heads: lines, names and values, and nothing that it would forgive (RFC 9112, 2.1).

/// The fields of a head.
#[derive(Debug)]
pub struct Lines<'h> {
    /// The fields: name and value, white space around the value taken off.
    pub fields: Vec<(&'h [u8], &'h [u8])>,
}

impl<'h> Lines<'h> {
    /// Reads a whole head, its empty line included.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn read(head: &'h [u8]) -> Result<Lines<'h>, &'static str> {
        let body = head.strip_suffix(b"\r\n\r\n").ok_or("it does not end in an empty line")?;
        let mut lines = lines(body);
        if lines.iter().any(|line| line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))) {
            return Err("a bare CR, a bare LF or a NUL");
        }
        let fields = lines.drain(1..).map(field).collect::<Result<_, _>>()?;
        Ok(Lines { fields })
    }

    /// The values of a field, its name in whatever case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'h [u8]> + 'a {
        self.fields.iter().filter(|(this, _)| this.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| *value)
    }

    /// The one value of a field.
    ///
    /// # Panics
    ///
    /// It stands there more than once.
    pub fn one<'a>(&'a self, name: &'a str) -> Option<&'h [u8]> {
        let mut all = self.all(name);
        let first = all.next();
        assert!(all.next().is_none(), "{name} stands there twice");
        first
    }

    /// How long the body is said to be: the value of Content-Length, and whether it is chunked.
    ///
    /// # Panics
    ///
    /// It is said twice, or both ways, or in words that another reader could take for something else.
    pub fn framing(&self) -> (Option<u64>, bool) {
        let length = self.one("content-length").map(|value| {
            let digits = std::str::from_utf8(value).expect("a length in ASCII");
            assert!(!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()), "a length of {digits:?}");
            digits.parse().expect("a length of 64 bits")
        });
        let chunked = match self.one("transfer-encoding") {
            None => false,
            Some(coding) => {
                assert!(coding.eq_ignore_ascii_case(b"chunked"), "a coding that is not chunked");
                true
            }
        };
        assert!(!(length.is_some() && chunked), "both Content-Length and Transfer-Encoding");
        (length, chunked)
    }
}

/// What stands between one CR LF and the next, at least one line.
fn lines(mut text: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while let Some(end) = text.windows(2).position(|two| two == b"\r\n") {
        lines.push(&text[..end]);
        text = &text[end + 2..];
    }
    lines.push(text);
    lines
}

fn field(line: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or("a field without a colon")?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if name.is_empty() || !name.iter().all(token) {
        return Err("a field's name that is no token");
    }
    Ok((name, value.trim_ascii()))
}

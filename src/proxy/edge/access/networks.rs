//! A file of networks: one a line.

use std::ops::Deref;
use std::path::Path;

use ipnet::IpNet;

use crate::config::address;
use crate::config::regular_file::read_regular_file;
use crate::daemon::key_file::KeyError;
use crate::proxy::edge::watched::Content;

/// The most that is read of one: about a million networks of IPv4, which take 80 MB in memory.
const MOST: u64 = 16 * 1024 * 1024;

const EXPECTED: &str = "expected a network or an address a line, and `#` before what is no more than a note";

/// Those of one file, in its order. May be none.
#[derive(Debug)]
pub struct Networks(Box<[IpNet]>);

impl Deref for Networks {
    type Target = [IpNet];

    fn deref(&self) -> &[IpNet] {
        &self.0
    }
}

impl Content for Networks {
    const NAME: &'static str = "networks";

    /// # Errors
    ///
    /// It cannot be read, a line is no network, or it looks as if it was being written: it is empty, or its last line has no end.
    fn read(path: &Path) -> Result<Networks, KeyError> {
        let text = read_regular_file(path, MOST)
            .map_err(|error| KeyError::at(path, None, format!("cannot be read: {error}; {EXPECTED}")))?;
        parse(&text).map_err(|(line, why)| KeyError::at(path, line, why))
    }
}

fn parse(text: &[u8]) -> Result<Networks, (Option<usize>, String)> {
    let Some(lines) = text.strip_suffix(b"\n") else {
        let why = match text.is_empty() {
            true => {
                "is empty, as if it was being written; where no network is meant, say so in a line that begins with `#`"
            }
            false => {
                "does not end with a line's end, as if it was being written: put one there, and replace the file by renaming"
            }
        };
        return Err((None, why.to_owned()));
    };
    let mut networks = Vec::new();
    for (number, line) in (1..).zip(lines.split(|byte| *byte == b'\n')) {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
        if !line.is_empty() {
            let network = address::client_network(&String::from_utf8_lossy(line));
            networks.push(network.map_err(|why| (Some(number), format!("{why}; {EXPECTED}")))?);
        }
    }
    Ok(Networks(networks.into_boxed_slice()))
}

#[cfg(test)]
mod tests;

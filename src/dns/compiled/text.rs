//! A compiled zone as a master file, for the copy that outlives its own.

use std::io::{self, Write};

use super::rrset::RrSet;
use super::zones::Zone;
use crate::zone::name;

impl Zone {
    /// Writes every record in the form that any reader of master files knows (RFC 3597, 5), a line each.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        // Signatures that are made here are made anew by whoever reads it.
        if self.is_presigned() {
            return self.whole().try_for_each(|(owner, set)| write_set(owner, set, out));
        }
        self.nodes().try_for_each(|node| node.sets().try_for_each(|set| write_set(node.name(), set, out)))
    }
}

fn write_set(owner: &[u8], set: RrSet<'_>, out: &mut impl Write) -> io::Result<()> {
    let owner = name::to_absolute_text(owner);
    for rdata in set.rdatas() {
        write!(out, "{owner} {} IN TYPE{} \\# {}", set.ttl, set.rtype, rdata.len())?;
        out.write_all(if rdata.is_empty() { b"" } else { b" " })?;
        for byte in rdata {
            write!(out, "{byte:02x}")?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

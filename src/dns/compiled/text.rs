//! A compiled zone as a master file, for the copy that outlives its own.

use std::io::{self, Write};

use super::zones::Zone;
use crate::zone::name;

impl Zone {
    /// Writes every record in the form that any reader of master files knows (RFC 3597, 5), a line each.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        for node in self.nodes() {
            let owner = name::to_absolute_text(node.name());
            for set in node.sets() {
                for rdata in set.rdatas() {
                    write!(out, "{owner} {} IN TYPE{} \\# {}", set.ttl, set.rtype, rdata.len())?;
                    out.write_all(if rdata.is_empty() { b"" } else { b" " })?;
                    for byte in rdata {
                        write!(out, "{byte:02x}")?;
                    }
                    out.write_all(b"\n")?;
                }
            }
        }
        Ok(())
    }
}

//! The upload of store paths to a host: for each path a signed line that describes it, followed by its NAR.
//!
//! Owns the format of that stream ([`Header`], [`END`]) and what is signed of a path, which is what Nix itself signs and checks. The
//! host's half is [`crate::push::gate`]'s; the pusher's is [`crate::push::rollout::deliver`]. Nothing is built, and nothing is read back.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::push::error::Error;
use crate::push::protocol::closure::{NIX32, PathInfo, in_store};
use crate::push::protocol::signing::{SigningKey, TrustedKeys};

/// The line after the last path. A stream that ends without it is incomplete.
pub const END: &str = "end";

/// The longest line that describes a path, in bytes. A path of a system may refer to thousands of others.
pub const HEADER_BYTES: usize = 1024 * 1024;

/// The line of JSON before a path's NAR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// `/nix/store/HASH-NAME`.
    pub path: String,
    /// The SHA-256 of the NAR, in Nix' base 32.
    pub nar_hash: String,
    /// The length of the NAR that follows, in bytes.
    pub nar_size: u64,
    /// Its references, sorted.
    pub references: Vec<String>,
    /// `NAME:BASE64`: an admin machine's signature of the [fingerprint](Header::fingerprint).
    pub signature: String,
}

impl Header {
    /// Describes a path and signs it.
    pub fn signed(info: &PathInfo, key: &SigningKey) -> Header {
        let mut header = Header::with_signature(info, String::new());
        header.signature = key.sign(header.fingerprint().as_bytes());
        header
    }

    /// Describes a path that somebody has signed.
    pub fn with_signature(info: &PathInfo, signature: String) -> Header {
        Header {
            path: info.path.clone(),
            nar_hash: info.nar_hash.clone(),
            nar_size: info.nar_size,
            references: info.references.clone(),
            signature,
        }
    }

    /// The text that is signed for a store path (Nix' path-info.cc): `1;PATH;HASH;SIZE;REFERENCES`.
    fn fingerprint(&self) -> String {
        let Header { path, nar_hash, nar_size, references, .. } = self;
        format!("1;{path};sha256:{nar_hash};{nar_size};{}", references.join(","))
    }

    /// Checks that one of these keys has signed it, and that its names are store paths.
    ///
    /// # Errors
    ///
    /// Why it is rejected; the error names it.
    pub fn check(&self, store: &Path, keys: &TrustedKeys) -> Result<(), Error> {
        for path in self.references.iter().chain([&self.path]) {
            in_store(store, Path::new(path))?;
        }
        let plain = self.nar_hash.len() == 52 && self.nar_hash.bytes().all(|byte| NIX32.contains(&byte));
        if !plain || !self.references.is_sorted() {
            return Err(Error::at(&self.path, "expected its hash in base 32 and its references in order"));
        }
        let signed = keys.check(self.fingerprint().as_bytes(), &self.signature);
        signed.map(drop).map_err(|why| Error::new(format!("{} is rejected: {why}", self.path)))
    }

    /// The 32 letters by which a binary cache names it.
    pub fn hash_part(&self) -> &str {
        self.path.rsplit('/').next().and_then(|name| name.get(..32)).unwrap_or_default()
    }

    /// Its entry in a binary cache whose NARs are not compressed and lie beside it as `HASH.nar`.
    pub fn narinfo(&self) -> String {
        let name = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
        let references: Vec<String> = self.references.iter().map(name).collect();
        let Header { path, nar_hash, nar_size, signature, .. } = self;
        format!(
            "StorePath: {path}\nURL: {}.nar\nCompression: none\nNarHash: sha256:{nar_hash}\nNarSize: {nar_size}\n\
             References: {}\nSig: {signature}\n",
            self.hash_part(),
            references.join(" ")
        )
    }
}

#[cfg(test)]
pub(crate) mod tests;

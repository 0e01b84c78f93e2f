//! Makes keys, writes their files, and gives keys other times.
//!
//! Must never: write over a file that is there, or let anybody but its owner read a secret.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use x509_cert::der::asn1::{AnyRef, OctetStringRef, UintRef};
use x509_cert::der::{self, Decode, Reader, SliceReader};

use super::algorithm::Algorithm;
use super::error::KeyError;
use super::folder::{KeyFiles, files_of, pair_name, read_text};
use super::key::{Role, ZoneKey};
use super::secret::{Halves, RsaHash, RsaNumbers, Secret};
use super::times::Times;
use super::{private_file, public_file};
use crate::files::{self, Access};
use crate::random;

/// A key that is not in files yet.
pub struct MadeKey {
    key: ZoneKey,
    /// The text of its `.private`.
    private: String,
}

/// Shows which key it is, and nothing of its secret.
impl fmt::Debug for MadeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Made{:?}", self.key)
    }
}

/// What file systems take, in bytes (`NAME_MAX`).
const LONGEST_FILE_NAME: usize = 255;

/// Makes a key for the zone `apex` (wire format, any case) whose tag is none of `taken`. Keys of RSA have 2048 bits.
///
/// # Errors
///
/// The kernel gives no random numbers, or the library makes no key of them; neither happens once the machine has booted.
pub fn make(apex: &[u8], role: Role, algorithm: Algorithm, times: Times, taken: &[u16]) -> io::Result<MadeKey> {
    loop {
        let made = draw(&apex.to_ascii_lowercase(), role, algorithm, times)?;
        if !taken.contains(&made.key.tag()) {
            return Ok(made);
        }
    }
}

impl MadeKey {
    /// The key.
    pub fn key(&self) -> &ZoneKey {
        &self.key
    }

    /// The key alone.
    pub fn into_key(self) -> ZoneKey {
        self.key
    }

    /// Writes both files, the `.private` for its owner alone: whom the folder belongs to, where root writes it, and else whoever does.
    ///
    /// # Errors
    ///
    /// A file of that name is there already, or cannot be written: then neither is left behind.
    pub fn write(&self, folder: &Path) -> Result<KeyFiles, KeyError> {
        let owner = owner_in(folder)?;
        let name = pair_name(&self.key);
        let length = name.len() + ".private".len();
        if length > LONGEST_FILE_NAME {
            let why = format!(
                "the file of a key of this zone would have a name of {length} bytes, and {LONGEST_FILE_NAME} is the most: a zone with so long a name cannot be signed"
            );
            return Err(KeyError::new(folder, why));
        }
        let files = KeyFiles::of(&folder.join(name));
        create(&files.private, &self.private, owner, 0o600)?;
        create(&files.public, &public_file::write(&self.key), owner, 0o644).inspect_err(|_| {
            // Ours, and of no use alone.
            let _ = fs::remove_file(&files.private);
        })?;
        Ok(files)
    }
}

/// The numbers of the user and the group that root's files belong to.
fn owner_in(folder: &Path) -> Result<Option<(u32, u32)>, KeyError> {
    let found =
        fs::metadata(folder).map_err(|error| KeyError::new(folder, format!("cannot be written to: {error}")))?;
    Ok(nix::unistd::geteuid().is_root().then(|| (found.uid(), found.gid())))
}

fn create(file: &Path, text: &str, owner: Option<(u32, u32)>, mode: u32) -> Result<(), KeyError> {
    files::create(file, text.as_bytes(), owner, mode).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyError::new(file, "is there already, and is not written over"),
        kind => KeyError::new(file, format!("cannot be written: {kind}")),
    })
}

/// Gives a key of the folder other times, in both of its files; all else in them stays.
///
/// # Errors
///
/// Its files are not there, or cannot be written. Where only one of them was, it is the one whose times count.
pub fn set_times(folder: &Path, key: &ZoneKey, times: &Times) -> Result<KeyFiles, KeyError> {
    let files = files_of(folder, key)?;
    rewrite(&files.private, 0o600, |text| private_file::with_times(text, times))?;
    rewrite(&files.public, 0o644, |text| public_file::with_times(text, times))?;
    Ok(files)
}

fn rewrite(file: &Path, mode: u32, with: impl Fn(&str) -> String) -> Result<(), KeyError> {
    let text = with(&read_text(file)?);
    files::replace(file, text.as_bytes(), Access::AsBefore(mode))
        .map_err(|error| KeyError::new(file, format!("cannot be written: {}", error.kind())))
}

fn draw(apex: &[u8], role: Role, algorithm: Algorithm, times: Times) -> io::Result<MadeKey> {
    let whole = |halves, lines: &[(&str, &[u8])]| MadeKey {
        key: ZoneKey::new(apex, role, algorithm, halves, times),
        private: private_file::write(algorithm, lines, &times),
    };
    let of_rsa = |hash| {
        let numbers = draw_rsa()?;
        let halves = Secret::rsa(&numbers, hash).map_err(|_| unmade())?;
        Ok(whole(halves, &private_file::rsa_lines(&numbers)))
    };
    let of_bytes = |(halves, drawn): (_, [u8; 32])| whole(halves, &[("PrivateKey", &drawn)]);
    match algorithm {
        Algorithm::RsaSha256 => of_rsa(RsaHash::Sha256),
        Algorithm::RsaSha512 => of_rsa(RsaHash::Sha512),
        Algorithm::EcdsaP256 => draw_bytes(Secret::ecdsa_p256).map(of_bytes),
        Algorithm::Ed25519 => draw_bytes(Secret::ed25519).map(of_bytes),
    }
}

/// Draws 32 bytes until they are a secret. One draw in 2^32 is none of P-256.
fn draw_bytes(secret: impl Fn(&[u8]) -> Option<Halves>) -> io::Result<(Halves, [u8; 32])> {
    let mut drawn = [0; 32];
    for _ in 0..16 {
        random::fill(&mut drawn)?;
        if let Some(halves) = secret(&drawn) {
            return Ok((halves, drawn));
        }
    }
    Err(unmade())
}

fn draw_rsa() -> io::Result<RsaNumbers> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| unmade())?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| unmade())?;
    rsa_numbers(pkcs8.as_ref()).map_err(|_| unmade())
}

/// The numbers of a key of RSA in PKCS #8 (RFC 5958, 2; RFC 8017, A.1.2).
fn rsa_numbers(pkcs8: &[u8]) -> der::Result<RsaNumbers> {
    let key = SliceReader::new(pkcs8)?.sequence(|reader| {
        let (_version, _algorithm) = (u8::decode(reader)?, AnyRef::decode(reader)?);
        <&OctetStringRef>::decode(reader)
    })?;
    SliceReader::new(key.as_bytes())?.sequence(|reader| {
        let _version = u8::decode(reader)?;
        let mut number = || UintRef::decode(reader).map(|number| number.as_bytes().to_vec());
        Ok(RsaNumbers {
            modulus: number()?,
            public_exponent: number()?,
            private_exponent: number()?,
            primes: [number()?, number()?],
            exponents: [number()?, number()?],
            coefficient: number()?,
        })
    })
}

fn unmade() -> io::Error {
    io::Error::other("no key could be made of the random numbers of this machine")
}

#[cfg(test)]
mod tests;

//! The keys of TSIG, and their files.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::CLASS_ANY;
use crate::config::dns::{TsigAlgorithm, TsigKeyConfig};
use crate::counted::counted;
use crate::daemon::key_file::{KeyError, read_lines};
use crate::dns::answer::TsigPlace;
use crate::zone::name;

/// A key. Never printed.
#[derive(Clone)]
pub struct Key {
    /// In wire format, lower case.
    name: Box<[u8]>,
    algorithm: TsigAlgorithm,
    secret: hmac::Key,
}

/// Shows whose it is, and nothing else.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, not shown)", name::to_text(&self.name))
    }
}

/// The keys of the document by their names, in wire format and lower case.
#[derive(Debug, Clone, Default)]
pub struct Keys(HashMap<Box<[u8]>, Key>);

/// The shortest secret that is taken, in bytes: half of the shortest hash (RFC 8945, 10, wants as much as the hash has).
const SHORTEST: usize = 16;

impl Keys {
    /// Reads the secrets that a document names.
    ///
    /// # Errors
    ///
    /// Of each file that cannot be used; never with what stands in it.
    pub fn read(configs: &BTreeMap<String, TsigKeyConfig>) -> Result<Keys, Vec<KeyError>> {
        let (mut keys, mut errors) = (HashMap::new(), Vec::new());
        for (name, config) in configs {
            match Key::read(name, config) {
                Ok(key) => drop(keys.insert(key.name.clone(), key)),
                Err(error) => errors.push(error.of(format!("tsig_keys.{name}.secret_file"))),
            }
        }
        if errors.is_empty() { Ok(Keys(keys)) } else { Err(errors) }
    }

    /// These.
    pub fn of(keys: impl IntoIterator<Item = Key>) -> Keys {
        Keys(keys.into_iter().map(|key| (key.name.clone(), key)).collect())
    }

    /// The key of this name, in wire format and lower case.
    pub fn get(&self, name: &[u8]) -> Option<&Key> {
        self.0.get(name)
    }

    /// The name of the key of a TSIG that stands there, if there is such a key here.
    pub fn name_at(&self, message: &[u8], place: TsigPlace) -> Option<&[u8]> {
        let (name, _) = name::expand(message, place.key)?;
        self.get(&name.to_ascii_lowercase()).map(Key::name)
    }

    /// The key of this name, as the document has it.
    pub fn named(&self, text: &str) -> Option<&Key> {
        self.get(&name::from_text(text)?)
    }
}

impl Key {
    fn read(text: &str, config: &TsigKeyConfig) -> Result<Key, KeyError> {
        const MAKES: &str = "`openssl rand -base64 32` makes one";
        let expected = format!("one line: the secret in base64, as `tsig-keygen` shows it ({MAKES})");
        let secrets = read_lines(&config.secret_file, &expected, MAKES, secret)?;
        let [secret] = &secrets[..] else {
            let why = format!("holds {}; expected one: a key has a name of its own", counted(secrets.len(), "secret"));
            return Err(KeyError::at(&config.secret_file, None, why));
        };
        let name = name::from_text(text).ok_or_else(|| KeyError::new(format!("\"{text}\" is not a domain name")))?;
        Ok(Key::new(&name, config.algorithm, secret))
    }

    /// Of a name in wire format.
    pub fn new(name: &[u8], algorithm: TsigAlgorithm, secret: &[u8]) -> Key {
        let digest = match algorithm {
            TsigAlgorithm::HmacSha256 => hmac::HMAC_SHA256,
            TsigAlgorithm::HmacSha384 => hmac::HMAC_SHA384,
            TsigAlgorithm::HmacSha512 => hmac::HMAC_SHA512,
        };
        Key { name: name.to_ascii_lowercase().into(), algorithm, secret: hmac::Key::new(digest, secret) }
    }

    /// Whether the other one signs as this one does.
    pub fn is(&self, other: &Key) -> bool {
        let sign = |key: &Key| hmac::sign(&key.secret, &key.name).as_ref().to_vec();
        (&self.name, self.algorithm) == (&other.name, other.algorithm) && sign(self) == sign(other)
    }

    /// In wire format, lower case.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many bytes its TSIG takes in a message, at most.
    pub fn record_length(&self) -> usize {
        const FIXED: usize = 10 + 8 + 2 + 2 + 2 + 2 + 6;
        self.name.len() + self.algorithm_name().len() + self.mac_length() + FIXED
    }

    /// In wire format (RFC 8945, 6).
    pub(super) fn algorithm_name(&self) -> &'static [u8] {
        match self.algorithm {
            TsigAlgorithm::HmacSha256 => b"\x0bhmac-sha256\0",
            TsigAlgorithm::HmacSha384 => b"\x0bhmac-sha384\0",
            TsigAlgorithm::HmacSha512 => b"\x0bhmac-sha512\0",
        }
    }

    pub(super) fn mac_length(&self) -> usize {
        self.secret.algorithm().digest_algorithm().output_len()
    }

    pub(super) fn secret(&self) -> &hmac::Key {
        &self.secret
    }

    /// Adds what is signed besides the message (RFC 8945, 4.3.3): `time` with the fudge, `tail` from the error on.
    pub(super) fn variables(&self, time: &[u8], tail: &[u8], signed: &mut Vec<u8>) {
        for part in [&self.name, &CLASS_ANY[..], &[0; 4], self.algorithm_name(), time, tail] {
            signed.extend_from_slice(part);
        }
    }
}

fn secret(line: &[u8]) -> Result<Vec<u8>, KeyError> {
    let secret = STANDARD.decode(line).map_err(|_| KeyError::new("not base64; expected the secret in base64"))?;
    match secret.len() {
        SHORTEST.. => Ok(secret),
        length => Err(KeyError::new(format!("{}; expected {SHORTEST} at least", counted(length, "byte")))),
    }
}

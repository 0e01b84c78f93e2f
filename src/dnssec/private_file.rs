//! The `.private` file of a pair, in BIND's private-key format: lines of a name and a value.
//!
//! Must never: repeat a value in an error, but for those of times and of the algorithm.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::algorithm::Algorithm;
use super::error::Fault;
use super::secret::{Halves, RsaHash, RsaNumbers, Secret};
use super::times::{Times, digits, other_lines};

/// What a `.private` says. Holds secrets, and so has no `Debug`.
pub(super) struct PrivateFile<'t> {
    pub(super) algorithm: Algorithm,
    /// None of them in v1.2.
    pub(super) times: Times,
    /// The lines of the secret: each with its number, its name and its value.
    secrets: Vec<(usize, &'t str, &'t str)>,
}

/// The first line of a file that has times.
const WITH_TIMES: &str = "Private-key-format: v1.3";

/// The versions of the format that are read. v1.3 has times.
const VERSIONS: [&str; 2] = ["v1.2", "v1.3"];

impl<'t> PrivateFile<'t> {
    /// Reads the text of a file.
    pub(super) fn parse(text: &'t str) -> Result<PrivateFile<'t>, Fault> {
        let (mut times, mut secrets, mut algorithm) = (Times::default(), Vec::new(), None);
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let version = lines.next().and_then(|(_, line)| line.strip_prefix("Private-key-format:")).map(str::trim);
        if !version.is_some_and(|version| VERSIONS.contains(&version)) {
            return Err(Fault::at(
                1,
                "expected `Private-key-format: v1.3`, or v1.2, as dnssec-keygen and ldns-keygen write it",
            ));
        }
        for (number, line) in lines {
            let (name, value) = line.split_once(':').ok_or_else(|| Fault::at(number, "expected NAME: VALUE"))?;
            let (name, value) = (name.trim(), value.trim());
            match name {
                "Algorithm" => algorithm = Some(algorithm_of(value).map_err(|why| Fault::at(number, why))?),
                "Engine" | "Label" => {
                    return Err(Fault::at(
                        number,
                        "the secret is kept in a device (PKCS #11): it has to stand in the file",
                    ));
                }
                _ if times.take(name, value, number)? => {}
                _ => secrets.push((number, name, value)),
            }
        }
        let algorithm = algorithm
            .ok_or_else(|| Fault::new("it has no line of its algorithm, such as `Algorithm: 13 (ECDSAP256SHA256)`"))?;
        Ok(PrivateFile { algorithm, times, secrets })
    }

    /// The secret, with the public key that belongs to it.
    pub(super) fn halves(&self) -> Result<Halves, Fault> {
        match self.algorithm {
            Algorithm::RsaSha256 => Secret::rsa(&self.rsa()?, RsaHash::Sha256),
            Algorithm::RsaSha512 => Secret::rsa(&self.rsa()?, RsaHash::Sha512),
            Algorithm::EcdsaP256 => self.single(Secret::ecdsa_p256),
            Algorithm::Ed25519 => self.single(Secret::ed25519),
        }
    }

    /// That of a key whose secret is one value.
    fn single(&self, secret: impl Fn(&[u8]) -> Option<Halves>) -> Result<Halves, Fault> {
        let (line, value) = self.line("PrivateKey")?;
        let bytes = decoded(line, "PrivateKey", value)?;
        secret(&bytes).ok_or_else(|| {
            Fault::at(line, format!("PrivateKey is not one of {}; expected 32 bytes in base64", self.algorithm))
        })
    }

    fn rsa(&self) -> Result<RsaNumbers, Fault> {
        Ok(RsaNumbers {
            modulus: self.bytes("Modulus")?,
            public_exponent: self.bytes("PublicExponent")?,
            private_exponent: self.bytes("PrivateExponent")?,
            primes: [self.bytes("Prime1")?, self.bytes("Prime2")?],
            exponents: [self.bytes("Exponent1")?, self.bytes("Exponent2")?],
            coefficient: self.bytes("Coefficient")?,
        })
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let (line, value) = self.line(name)?;
        decoded(line, name, value)
    }

    fn line(&self, name: &str) -> Result<(usize, &'t str), Fault> {
        let found = self.secrets.iter().find(|(_, named, _)| *named == name).map(|(line, _, value)| (*line, *value));
        found.ok_or_else(|| {
            Fault::new(format!("it has no line `{name}: BASE64`, which a key of {} has", self.algorithm))
        })
    }
}

fn decoded(line: usize, name: &str, value: &str) -> Result<Vec<u8>, Fault> {
    STANDARD.decode(value).map_err(|_| Fault::at(line, format!("{name} is not in base64")))
}

/// `13 (ECDSAP256SHA256)`
fn algorithm_of(value: &str) -> Result<Algorithm, String> {
    let number = value.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
    number
        .and_then(Algorithm::from_number)
        .ok_or_else(|| format!("the algorithm \"{value}\", {}", Algorithm::expected()))
}

/// The lines of the secret of a key of RSA.
pub(super) fn rsa_lines(numbers: &RsaNumbers) -> Vec<(&'static str, &[u8])> {
    vec![
        ("Modulus", &numbers.modulus),
        ("PublicExponent", &numbers.public_exponent),
        ("PrivateExponent", &numbers.private_exponent),
        ("Prime1", &numbers.primes[0]),
        ("Prime2", &numbers.primes[1]),
        ("Exponent1", &numbers.exponents[0]),
        ("Exponent2", &numbers.exponents[1]),
        ("Coefficient", &numbers.coefficient),
    ]
}

/// The text of a file with these lines of the secret, as BIND writes it.
pub(super) fn write(algorithm: Algorithm, secrets: &[(&str, &[u8])], times: &Times) -> String {
    let mut file = format!("{WITH_TIMES}\nAlgorithm: {} ({algorithm})\n", algorithm.number());
    for (name, bytes) in secrets {
        file.push_str(&format!("{name}: {}\n", STANDARD.encode(bytes)));
    }
    file + &lines(times)
}

/// The text of a file with these times instead of its own; all else in it stays, but for the version, which is one that has times.
pub(super) fn with_times(text: &str, times: &Times) -> String {
    let others = other_lines(text, "").skip(1).map(|line| format!("{line}\n"));
    format!("{WITH_TIMES}\n") + &others.collect::<String>() + &lines(times)
}

fn lines(times: &Times) -> String {
    times.named().map(|(name, time)| format!("{name}: {}\n", digits(time))).collect()
}

#[cfg(test)]
mod tests;

//! What keeps the nameserver from being used against others, as the document in force has it: response rate limiting
//! and the secrets of cookies.
//!
//! Replaced as a whole by a reload. Random secrets are kept, so that a reload invalidates no client's cookie.

use crate::config::DnsConfig;
use crate::config::dns::RateLimitConfig;

use super::cookie::Secrets;
use crate::daemon::key_file::KeyError;

/// For every worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// Of responses over UDP.
    pub limits: RateLimitConfig,
    /// Of cookies, whatever they come by.
    pub secrets: Secrets,
}

impl Protection {
    /// Reads the secrets that a document names, or makes random ones if it names none ([`Protection::or_keep`]).
    ///
    /// # Errors
    ///
    /// The key file cannot be used.
    pub fn of(config: &DnsConfig) -> Result<Protection, KeyError> {
        let secrets = match &config.cookies {
            Some(cookies) => Secrets::read(&cookies.key_file).map_err(|error| error.of("cookies.key_file"))?,
            None => Secrets::random()?,
        };
        Ok(Protection { limits: config.rate_limit.clone(), secrets })
    }

    /// The same, but with the secrets of `before` if both are random: a reload invalidates no client's cookie.
    pub fn or_keep(&self, before: &Protection) -> Protection {
        let random = self.secrets.is_random() && before.secrets.is_random();
        let secrets = if random { &before.secrets } else { &self.secrets };
        Protection { limits: self.limits.clone(), secrets: secrets.clone() }
    }
}

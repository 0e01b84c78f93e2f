//! What keeps the nameserver from being used against others, as the document in force has it: response rate limiting
//! and the secrets of cookies.
//!
//! Swapped whole at a reload. Random secrets of this process stay, so that a reload invalidates no client's cookie.

use crate::config::DnsConfig;
use crate::config::dns::RateLimitConfig;

use super::cookie::Secrets;
use crate::daemon::key_file::KeyError;

/// What every worker needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// The limits of responses over UDP.
    pub limits: RateLimitConfig,
    /// The secrets of cookies, over UDP and TCP.
    pub secrets: Secrets,
}

impl Protection {
    /// Reads the secrets that a document names; without any they are those of `before`, if they are random ones
    /// of this process, or new random ones.
    ///
    /// # Errors
    ///
    /// The key file cannot be used; the error names it, and never what it holds.
    pub fn of(config: &DnsConfig, before: Option<&Protection>) -> Result<Protection, KeyError> {
        let secrets = match (&config.cookies, before) {
            (Some(cookies), _) => Secrets::read(&cookies.key_file).map_err(|error| error.of("cookies.key_file"))?,
            (None, Some(before)) if before.secrets.is_random() => before.secrets.clone(),
            (None, _) => Secrets::random()?,
        };
        Ok(Protection { limits: config.rate_limit.clone(), secrets })
    }
}

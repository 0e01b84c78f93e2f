//! What keeps the nameserver from being used against others, as the document in force has it: response rate limiting
//! and the secrets of cookies.
//!
//! Swapped whole at a reload. Secrets that this process has made up stay, so that a reload spoils no client's cookie.

use crate::config::DnsConfig;
use crate::config::dns::RateLimitConfig;

use super::cookie::Secrets;

/// For every worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// Of responses over UDP.
    pub limits: RateLimitConfig,
    /// Of cookies, whatever they come by.
    pub secrets: Secrets,
}

impl Protection {
    /// Reads the secrets that a document names; without any they are those of `before`, if this process has made them
    /// up, or fresh ones.
    ///
    /// # Errors
    ///
    /// The key file cannot be used; the words name it, and never what it holds.
    pub fn of(config: &DnsConfig, before: Option<&Protection>) -> Result<Protection, String> {
        let secrets = match (&config.cookies, before) {
            (Some(cookies), _) => Secrets::read(&cookies.key_file).map_err(|why| format!("cookies.key_file: {why}"))?,
            (None, Some(before)) if before.secrets.is_random() => before.secrets.clone(),
            (None, _) => Secrets::random()?,
        };
        Ok(Protection { limits: config.rate_limit.clone(), secrets })
    }
}

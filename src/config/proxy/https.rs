//! `https` and `hsts` of a service: that its visitors come over https, now and the next time.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::reader::{Keys, Object, Read, Value};

/// What a service with `tls` says to visitors about https.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HttpsConfig {
    /// Requests in clear text are answered with a redirect to https. Default: they are served.
    pub redirect: bool,
    /// What responses over https say of the next visits. Default: nothing, a backend's own words are passed on.
    pub hsts: Option<HstsConfig>,
}

/// `hsts`: Strict-Transport-Security (RFC 6797).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HstsConfig {
    /// For how long browsers come over https alone; zero: no longer. Default 365 d.
    pub max_age: Duration,
    /// That holds for every name below the host, too. Default false.
    pub include_subdomains: bool,
    /// Browsers may have it built in (hstspreload.org). Default false.
    pub preload: bool,
}

/// The keys of `hsts`.
pub(super) const KEYS: Keys =
    Keys { object: "services.NAME.hsts", names: &["include_subdomains", "max_age", "preload"] };

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Zero takes back what was said before (RFC 6797, 6.1.1).
const MAX_AGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10 * 365 * 86_400);

/// Reads both of a service; they mean something where it has TLS.
pub(super) fn read(service: &Object<'_>, has_tls: bool) -> Read<HttpsConfig> {
    let redirect = service.with_default("https", false, |value| {
        match value.one_of(&[("optional", false), ("redirect", true)])? {
            true if !has_tls => Err(value.fault("visitors cannot come over https: the service has no \"tls\"")),
            redirect => Ok(redirect),
        }
    });
    let hsts = service.optional("hsts", read_hsts);
    if !has_tls {
        service.refuse(&["hsts"], "where the service has no \"tls\"")?;
    }
    Ok(HttpsConfig { redirect: redirect?, hsts: hsts? })
}

fn read_hsts(value: &Value<'_>) -> Read<HstsConfig> {
    let hsts = value.object(&KEYS)?;
    let max_age = hsts.with_default("max_age", YEAR, |value| value.duration(MAX_AGE));
    let include_subdomains = hsts.with_default("include_subdomains", false, |value| value.boolean());
    let preload = hsts.with_default("preload", false, |value| value.boolean());
    let hsts = HstsConfig { max_age: max_age?, include_subdomains: include_subdomains?, preload: preload? };
    if hsts.preload && (hsts.max_age < YEAR || !hsts.include_subdomains) {
        return Err(value.fault(
            "\"preload\" needs a \"max_age\" of 365d or more, and \"include_subdomains\": browsers' lists take no other \
             (hstspreload.org)",
        ));
    }
    Ok(hsts)
}

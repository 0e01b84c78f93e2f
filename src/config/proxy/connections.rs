//! How a service uses its connections to backends: `reuse`, `retries`, `redispatch`, `abort_on_close`.

use std::ops::RangeInclusive;

use super::retry_on::{self, RetryConfig};
use crate::config::reader::{Object, Read};

/// How a service uses its connections to backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionsConfig {
    /// Whose requests go over an idle connection.
    pub reuse: Reuse,
    /// Attempts after the first one, 0 to 10; `None`: one less than `limits.tries`.
    pub retries: Option<u32>,
    /// What is sent again, how much of it, and when an attempt is given up.
    pub retry: RetryConfig,
    /// When a request that is bound to a backend leaves it.
    pub redispatch: Redispatch,
    /// A visitor who closes his half of the connection is taken for gone while his response has not begun: as HAProxy's
    /// `option abortonclose`. Default false.
    pub abort_on_close: bool,
}

/// Whose requests go over an idle connection, as HAProxy's `http-reuse`. Whatever it says, a connection that was
/// authenticated (NTLM, Negotiate) belongs to its visitor alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// Those of the visitor's connection for which it was opened.
    Never,
    /// Every one but the first of a visitor's connection.
    Safe,
    /// Every one.
    #[default]
    Always,
}

/// When a request that a cookie binds to a backend is given to another one, where connections to its own fail and that is
/// still up: as HAProxy's `option redispatch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redispatch {
    /// Never.
    Never,
    /// For the last retry.
    #[default]
    Last,
    /// For the first retry.
    First,
}

const RETRIES: RangeInclusive<u32> = 0..=10;

/// Reads what a service says of its connections. `names_visitors`: they begin with the name of the one visitor who may use them.
pub(super) fn read(service: &Object<'_>, names_visitors: bool) -> Read<ConnectionsConfig> {
    let default = if names_visitors { Reuse::Never } else { Reuse::default() };
    let reuse = service.with_default("reuse", default, |value| {
        let reuse = value.one_of(&[("never", Reuse::Never), ("safe", Reuse::Safe), ("always", Reuse::Always)])?;
        match names_visitors && reuse != Reuse::Never {
            true => Err(value.fault(
                "with \"send_proxy\" a connection is of the visitor whom it names, and nobody else's requests go over it: say \
                 \"never\", or leave it out",
            )),
            false => Ok(reuse),
        }
    });
    let retries = service.optional("retries", |value| value.integer(RETRIES));
    let retry = retry_on::read(service);
    let redispatch = service.with_default("redispatch", Redispatch::default(), |value| {
        value.one_of(&[("never", Redispatch::Never), ("last", Redispatch::Last), ("first", Redispatch::First)])
    });
    let abort_on_close = service.with_default("abort_on_close", false, |value| value.boolean());
    Ok(ConnectionsConfig {
        reuse: reuse?,
        retries: retries?,
        retry: retry?,
        redispatch: redispatch?,
        abort_on_close: abort_on_close?,
    })
}

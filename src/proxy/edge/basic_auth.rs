//! Visitors who show a name and a password (RFC 7617).
//!
//! Owns what is asked of a request's credentials before and after a hash is made. The hash itself takes long: it is made beside the
//! workers, in the order of [`queue`].

pub mod credentials;
pub mod hash;
pub mod queue;
pub mod users;

use std::sync::Arc;
use std::time::Duration;

use super::watched::WatchedFile;
use crate::config::proxy::BasicAuthConfig;
use credentials::Credentials;
use users::{Digest, Users};

/// What a service asks of credentials.
#[derive(Debug)]
pub struct BasicAuth {
    /// The name of the service.
    service: Arc<str>,
    /// The whole value of `WWW-Authenticate`.
    pub challenge: Box<str>,
    /// Backends get the password too.
    pub pass: bool,
    /// Who the users are.
    pub file: WatchedFile<Users>,
}

/// What is known of a request by its credentials.
pub enum Standing {
    /// They are of a user, as was verified lately.
    Known(Credentials),
    /// A hash will tell.
    ToVerify(Box<ToVerify>),
    /// There are none, or none of this scheme, or several.
    None,
    /// Who the users are is not known.
    NoUsers,
}

/// What a hash is made from.
pub struct ToVerify {
    /// For which service.
    pub service: Arc<str>,
    /// Among whom.
    pub users: Arc<Users>,
    /// What was shown.
    pub credentials: Credentials,
    /// What these are remembered by.
    pub digest: Digest,
}

impl BasicAuth {
    /// As the document says, with the users that the file has now.
    pub fn new(service: &str, config: &BasicAuthConfig) -> BasicAuth {
        let challenge = format!("Basic realm=\"{}\", charset=\"UTF-8\"", config.realm).into();
        let file = WatchedFile::<Users>::open(&config.users_file, "basic_auth.users_file");
        BasicAuth { service: service.into(), challenge, pass: config.pass, file }
    }

    /// Looks at the values of a request's `Authorization` fields.
    pub fn look_at<'v>(&self, mut values: impl Iterator<Item = &'v [u8]>, now: Duration) -> Standing {
        let Some(users) = self.file.content() else { return Standing::NoUsers };
        let (Some(value), None) = (values.next(), values.next()) else { return Standing::None };
        let Some(credentials) = Credentials::parse(value) else { return Standing::None };
        let digest = users.digest(&credentials);
        match users.remembered(&digest, now) {
            true => Standing::Known(credentials),
            false => {
                let service = Arc::clone(&self.service);
                Standing::ToVerify(Box::new(ToVerify { service, users, credentials, digest }))
            }
        }
    }
}

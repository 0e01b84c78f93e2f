//! A secret in a message.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret text, which its `Debug` hides.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

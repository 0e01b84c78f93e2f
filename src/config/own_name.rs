//! `name`: how a daemon is called in the fleet.

use super::names;
use super::reader::{Object, Read};

/// This daemon's own name, and who says so: a document can be checked on another machine than its own, where the
/// machine's name means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OwnName {
    /// The document.
    Stated(String),
    /// The machine.
    Machine(String),
}

impl OwnName {
    /// The name.
    pub(super) fn as_str(&self) -> &str {
        match self {
            OwnName::Stated(name) | OwnName::Machine(name) => name,
        }
    }

    /// The name, for the document read.
    pub(super) fn into_string(self) -> String {
        match self {
            OwnName::Stated(name) | OwnName::Machine(name) => name,
        }
    }
}

/// Reads the `name` of a document's root, or the machine's.
pub(super) fn read(root: &Object<'_>) -> Read<OwnName> {
    if let Some(value) = root.get("name") {
        return value.parsed("a name", names::name).map(OwnName::Stated);
    }
    let machine = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    names::name(&machine).map(OwnName::Machine).map_err(|_| {
        root.location
            .fault(format!("the machine's host name, {machine:?}, will not do as a name: set the key \"name\""))
    })
}

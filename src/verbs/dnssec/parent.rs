//! What the parent of a zone has of it: asked of its nameservers, each by itself.

mod asking;
mod view;

pub(super) use asking::{ParentArgs, ask};
#[cfg(test)]
pub(super) use view::{Asked, DsSet};
pub(super) use view::{Ds, KeyId, Parent, Place};

//! Rolls that the parent has a part in: how they begin, and how they end once it has done its part.

mod begin;
mod end;
mod waits;

pub(super) use begin::begin;
pub(super) use end::{EndArgs, end};

//! From a folder to a plan, before any host is changed.

pub mod changes;
pub mod evaluate;
pub mod order;
pub mod overtaken;
pub mod plan;
pub mod prepare;
pub mod selection;
pub mod stage;
pub mod survey;
pub mod trust;

//! The command line of `polder` as `--help` shows it.

pub mod examples;

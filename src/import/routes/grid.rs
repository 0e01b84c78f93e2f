//! The hosts and paths that rules name: where points are made of (pure).

use std::collections::BTreeSet;

use super::super::condition::Condition;
use super::super::error::ImportError;
use crate::config::HostPattern;

/// The most that the grid may take: hosts × paths × rules.
const MOST_QUESTIONS: usize = 20_000_000;

/// All hosts from wide to narrow, all paths from short to long.
pub struct Grid {
    pub hosts: Vec<HostPattern>,
    pub paths: Vec<String>,
}

impl Grid {
    /// What the conditions of all rules speak of.
    ///
    /// # Errors
    ///
    /// It is too much.
    pub fn of(rules: &[&Condition]) -> Result<Grid, ImportError> {
        let (mut hosts, mut paths) = (BTreeSet::from([HostPattern::Any]), BTreeSet::from(["/".to_owned()]));
        rules.iter().for_each(|condition| condition.collect(&mut hosts, &mut paths));
        let questions = hosts.len().saturating_mul(paths.len()).saturating_mul(rules.len());
        if questions > MOST_QUESTIONS {
            return Err(ImportError::new(format!(
                "{} hosts, {} paths and {} rules are more than can be put in order here; split the configuration and import the parts",
                hosts.len(),
                paths.len(),
                rules.len()
            )));
        }
        let mut hosts: Vec<HostPattern> = hosts.into_iter().collect();
        hosts.sort_by_key(|host| match host {
            HostPattern::Any => (0, 0),
            HostPattern::Suffix(suffix) => (1, suffix.len()),
            HostPattern::Exact(_) => (2, 0),
        });
        let mut paths: Vec<String> = paths.into_iter().collect();
        paths.sort_by_key(String::len);
        Ok(Grid { hosts, paths })
    }
}

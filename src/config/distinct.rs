//! Values that a document may have only once, each with its location.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::reader::{Location, Read, Value};

/// The values met so far, each with the location it was first met.
#[derive(Debug)]
pub struct Distinct<'a, K>(BTreeMap<K, Location<'a>>);

impl<K> Default for Distinct<'_, K> {
    fn default() -> Self {
        Distinct(BTreeMap::new())
    }
}

impl<'a, K: Ord> Distinct<'a, K> {
    /// Takes a value for this location. A second claim is a finding there that names the first; `what` is what both have.
    pub fn claim(&mut self, key: K, location: &Location<'a>, what: &str) -> Read<()> {
        match self.0.get(&key) {
            Some(first) => Err(location.fault(format!("{what} stands twice, also at {}", first.reference()))),
            None => {
                self.0.insert(key, location.clone());
                Ok(())
            }
        }
    }

    /// Reads a string that `parse` makes something of, and takes that.
    pub fn claim_parsed<E: Display>(
        &mut self,
        value: &Value<'a>,
        what: &str,
        parse: impl FnOnce(&str) -> Result<K, E>,
    ) -> Read<K>
    where
        K: Clone,
    {
        let key = value.parsed(what, parse)?;
        self.claim(key.clone(), &value.location, &format!("{:?}", value.text(what)?))?;
        Ok(key)
    }
}

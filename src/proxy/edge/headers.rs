//! The header fields that a service sets, adds and takes away (pure).
//!
//! Values are written straight into the memory of the message that they go out with, and vetted as they are written: what a visitor
//! can choose never ends a line. Fields that frame a message never come here ([`crate::config::proxy::HeadersConfig`]). Must never:
//! allocate for a request.

use super::drops::Drops;
use super::facts::Facts;
use crate::config::proxy::{FieldConfig, HeaderEdits, Part, Template, Variable};

/// What becomes of the fields of one way.
#[derive(Debug)]
pub struct Edits {
    drops: Drops,
    /// Set and added ones alike: what is to be replaced is dropped.
    fields: Box<[FieldConfig]>,
    /// What backends get as Host.
    host: Option<Box<str>>,
    names_request: bool,
}

impl Edits {
    /// For one way of a service; none if nothing is to be done.
    pub fn of(config: &HeaderEdits) -> Option<Edits> {
        let is_host = |field: &&FieldConfig| field.name.eq_ignore_ascii_case("host");
        let mut drops = Drops::default();
        config.remove.iter().for_each(|removed| drops.add(removed));
        config.set.iter().for_each(|field| drops.add_name(&field.name));
        let host = config.set.iter().find(is_host).and_then(|field| field.value.literal());
        let fields: Box<[FieldConfig]> =
            config.set.iter().chain(&config.add).filter(|field| !is_host(field)).cloned().collect();
        let names = |field: &FieldConfig| field.value.variables().any(|variable| variable == Variable::RequestId);
        let names_request = fields.iter().any(names);
        (!config.is_empty()).then(|| Edits { drops, fields, host: host.map(Box::from), names_request })
    }

    /// Some value has what the request is known by.
    pub fn names_request(&self) -> bool {
        self.names_request
    }

    /// A field of this name, in any case, does not go on.
    pub fn drop(&self, name: &[u8]) -> bool {
        self.drops.have(name)
    }

    /// What backends get as Host instead of the visitor's.
    pub fn host(&self) -> Option<&[u8]> {
        self.host.as_deref().map(str::as_bytes)
    }

    /// Writes its fields as lines. One whose value comes out empty is left out.
    pub fn write(&self, out: &mut Vec<u8>, facts: &Facts<'_>) {
        for field in &self.fields {
            let before = out.len();
            out.extend_from_slice(field.name.as_bytes());
            out.extend_from_slice(b": ");
            let begin = out.len();
            expand(&field.value, facts, out);
            if out.len() == begin {
                out.truncate(before);
            } else {
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Its fields with the values that they have by these facts, in this memory.
    pub fn applied<'a>(&'a self, facts: &Facts<'_>, values: &'a mut Values) -> Applied<'a> {
        values.text.clear();
        values.ends.clear();
        for field in self.fields.iter().filter(|field| field.value.literal().is_none()) {
            expand(&field.value, facts, &mut values.text);
            values.ends.push(values.text.len());
        }
        Applied { edits: self, values, is_beside_own: false }
    }
}

/// What becomes of the fields of one request.
#[derive(Debug, Clone, Copy)]
pub struct RequestEdit<'a> {
    /// What is to be done.
    pub edits: &'a Edits,
    /// What is known of it.
    pub facts: Facts<'a>,
}

/// Memory for the values of one message's fields.
#[derive(Debug, Default)]
pub struct Values {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Values {
    /// How much memory it holds.
    pub fn capacity(&self) -> usize {
        self.text.capacity()
    }
}

/// What becomes of the fields of one message.
#[derive(Debug, Clone, Copy)]
pub struct Applied<'a> {
    edits: &'a Edits,
    values: &'a Values,
    is_beside_own: bool,
}

/// What an answer of the proxy's own says itself: a 503 must not last because the service's pages may.
const OWN: [&str; 5] = ["date", "content-type", "cache-control", "retry-after", "location"];

impl<'a> Applied<'a> {
    /// To an answer of the proxy's own, which keeps what it says itself.
    #[must_use]
    pub fn beside_own(self) -> Applied<'a> {
        Applied { is_beside_own: true, ..self }
    }

    fn spares(&self, name: &[u8]) -> bool {
        self.is_beside_own && OWN.iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
    }

    /// A field of this name, in any case, does not go on.
    pub fn drop(&self, name: &[u8]) -> bool {
        self.edits.drop(name) && !self.spares(name)
    }

    /// Names and values of the fields that are set and added.
    pub fn fields(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let Values { text, ends } = self.values;
        let (mut ends, mut begin) = (ends.iter(), 0);
        self.edits.fields.iter().filter_map(move |field| {
            let value = match field.value.literal() {
                Some(value) => value.as_bytes(),
                None => {
                    let end = *ends.next()?;
                    &text[std::mem::replace(&mut begin, end)..end]
                }
            };
            let name = field.name.as_bytes();
            (!value.is_empty() && !self.spares(name)).then_some((name, value))
        })
    }
}

/// Writes a value, without the space around it that a variable without one leaves.
fn expand(value: &Template, facts: &Facts<'_>, out: &mut Vec<u8>) {
    let begin = out.len();
    for part in value.parts() {
        match part {
            Part::Text(text) if out.len() == begin => out.extend_from_slice(text.trim_start().as_bytes()),
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Variable(variable) => facts.write(*variable, out),
        }
    }
    while out.len() > begin && out.ends_with(b" ") {
        out.pop();
    }
}

#[cfg(test)]
mod tests;

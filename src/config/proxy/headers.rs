//! `request_headers` and `response_headers` of a service: header fields that are set, added and removed.
//!
//! A field that frames a message, belongs to one connection or is the proxy's own is refused here, so that no document can split a
//! message or speak for the proxy.

mod fields;
mod template;

pub(super) use fields::Around;
pub use fields::{CLIENT_CERT, RemovedFields};
pub use template::{Part, Template, Variable};

use crate::config::distinct::Distinct;
use crate::config::invalid::Invalid;
use crate::config::proxy::forward_auth::FieldName;
use crate::config::reader::{Keys, Object, Read, Value};
use fields::{Edit, Way};

/// What becomes of the fields of a service's messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeadersConfig {
    /// On the way to its backends.
    pub request: HeaderEdits,
    /// On the way to visitors.
    pub response: HeaderEdits,
}

/// What becomes of the fields of one way. No name stands in two of the three lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderEdits {
    /// Fields that do not go on.
    pub remove: Vec<RemovedFields>,
    /// Fields that take the place of all others of their names.
    pub set: Vec<FieldConfig>,
    /// Fields beside others of their names.
    pub add: Vec<FieldConfig>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConfig {
    /// Its name, a token, as it is to be written.
    pub name: String,
    /// Its value.
    pub value: Template,
}

impl HeaderEdits {
    /// A field of this name is among them.
    pub fn name(&self, name: &str) -> bool {
        let removes = |removed: &RemovedFields| match removed {
            RemovedFields::Named(removed) => removed.eq_ignore_ascii_case(name),
            RemovedFields::Beginning(front) => {
                name.get(..front.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(front))
            }
        };
        let writes = |field: &FieldConfig| field.name.eq_ignore_ascii_case(name);
        self.remove.iter().any(removes) || self.set.iter().chain(&self.add).any(writes)
    }

    /// The same, and the request's id in this field.
    #[must_use]
    pub fn setting_id(&self, name: &FieldName) -> HeaderEdits {
        let mut edits = self.clone();
        edits.set.push(FieldConfig { name: name.as_str().to_owned(), value: Template::of(Variable::RequestId) });
        edits
    }

    /// Nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }
}

/// The keys of `request_headers`.
pub(super) const REQUEST: Keys = Keys { object: "services.NAME.request_headers", names: &["add", "remove", "set"] };

/// The keys of `response_headers`.
pub(super) const RESPONSE: Keys = Keys { object: "services.NAME.response_headers", names: &["add", "remove", "set"] };

/// Fields in one list: they have to fit into the head of every message.
const MOST_FIELDS: usize = 64;

/// Reads `request_id`: the name of the field in which requests and responses have the request's id.
pub(super) fn read_request_id(value: &Value<'_>) -> Read<FieldName> {
    value.parsed("the name of a header field", |text| {
        let name = FieldName::parse(text)?;
        match text.to_ascii_lowercase().ends_with("-id") {
            true => Ok(name),
            false => Err(Invalid::new(text, "does not say that it is an id: expected a name like \"X-Request-Id\"")),
        }
    })
}

/// Reads both of a service.
pub(super) fn read(service: &Object<'_>, around: Around<'_>) -> Read<HeadersConfig> {
    let request = service.with_default("request_headers", HeaderEdits::default(), |value| {
        read_edits(value, &REQUEST, Way::Request, around)
    });
    let response = service.with_default("response_headers", HeaderEdits::default(), |value| {
        read_edits(value, &RESPONSE, Way::Response, around)
    });
    Ok(HeadersConfig { request: request?, response: response? })
}

fn read_edits(value: &Value<'_>, keys: &'static Keys, way: Way, around: Around<'_>) -> Read<HeaderEdits> {
    let edits = value.object(keys)?;
    let mut names = Distinct::default();
    let remove = edits.with_default("remove", Vec::new(), |value| read_removed(value, way, around, &mut names));
    let set = edits.with_default("set", Vec::new(), |value| read_fields(value, way, Edit::Set, around, &mut names));
    let add = edits.with_default("add", Vec::new(), |value| read_fields(value, way, Edit::Add, around, &mut names));
    Ok(HeaderEdits { remove: remove?, set: set?, add: add? })
}

fn read_removed<'a>(
    value: &Value<'a>,
    way: Way,
    around: Around<'_>,
    names: &mut Distinct<'a, String>,
) -> Read<Vec<RemovedFields>> {
    let removed = value.list("field names", |value| {
        let text = value.text("a field's name")?;
        let removed = match text.strip_suffix('*') {
            Some(front) => value.parsed("a field's name", |_| fields::beginning(front))?,
            None => {
                RemovedFields::Named(value.parsed("a field's name", |_| fields::name(text, way, Edit::Remove, around))?)
            }
        };
        names.claim(text.to_ascii_lowercase(), &value.location, &format!("the field {text}"))?;
        Ok(removed)
    })?;
    at_most(value, removed)
}

fn read_fields<'a>(
    value: &Value<'a>,
    way: Way,
    edit: Edit,
    around: Around<'_>,
    names: &mut Distinct<'a, String>,
) -> Read<Vec<FieldConfig>> {
    let table = value.table(
        |name| fields::name(name, way, edit, around),
        |name, location, value| {
            let template = value.parsed("a field's value", Template::parse)?;
            fields::vet_value(name, &template, way, around).map_err(|why| value.fault(why.to_string()))?;
            names.claim(name.to_ascii_lowercase(), location, &format!("the field {name}"))?;
            Ok(template)
        },
    )?;
    at_most(value, table.into_iter().map(|(name, value)| FieldConfig { name, value }).collect())
}

fn at_most<T>(value: &Value<'_>, list: Vec<T>) -> Read<Vec<T>> {
    match list.len() {
        0..=MOST_FIELDS => Ok(list),
        more => Err(value.fault(format!("{more} fields: expected at most {MOST_FIELDS}"))),
    }
}

#[cfg(test)]
mod tests;

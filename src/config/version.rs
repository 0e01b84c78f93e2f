//! `version`: which shape a document has.

use super::reader::{Read, Value};

/// The version this program reads.
const VERSION: u64 = 1;

/// Reads the `version` of a document. An error is that of another version only: then the rest would be misread, and what
/// is found in it would mislead. Where it is missing or no number, that is noted and the rest can be read.
pub(crate) fn read(document: &Value<'_>) -> Read<()> {
    let Some(version) = document.peek("version") else {
        if document.is_object() {
            document.fault(format!("the key \"version\" is missing: expected \"version\": {VERSION}"));
        }
        return Ok(());
    };
    match version.whole_number() {
        Some(number) if number == VERSION.to_string() => Ok(()),
        Some(number) => Err(version.fault(format!(
            "this is a document of version {number}, and this program reads version {VERSION}: render it with the same \
             release of polder"
        ))),
        None => {
            version.expected(&format!("the number {VERSION}"));
            Ok(())
        }
    }
}

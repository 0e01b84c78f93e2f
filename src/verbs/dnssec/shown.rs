//! A key as the verbs show it.

use serde::Serialize;

use crate::api::dns::ZoneKeyRole;
use crate::dnssec::{Algorithm, Digest, KeyFiles, Role, Times, ZoneKey};
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::text::rdata;

/// A key, for machines. Times are in milliseconds since the epoch, as everywhere.
#[derive(Debug, Serialize)]
pub(super) struct KeyShown {
    tag: u16,
    algorithm: &'static str,
    flags: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    publish: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activate: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inactive: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete: Option<u64>,
    /// Its files.
    files: [String; 2],
}

impl KeyShown {
    pub(super) fn new(key: &ZoneKey, times: &Times, files: &KeyFiles) -> KeyShown {
        let ms = |time: Option<u64>| time.map(|time| time.saturating_mul(1000));
        KeyShown {
            tag: key.tag(),
            algorithm: key.algorithm().name(),
            flags: key.flags(),
            publish: ms(times.publish),
            activate: ms(times.activate),
            inactive: ms(times.inactive),
            delete: ms(times.delete),
            files: [&files.public, &files.private].map(|file| file.display().to_string()),
        }
    }
}

/// The DS record of a key, as the parent's form takes it: `example.com. IN DS 12345 13 2 0123…`.
pub(super) fn ds(key: &ZoneKey) -> String {
    format!("{} IN DS {}", name::to_absolute_text(key.apex()), rdata(rtype::DS, &key.ds(Digest::Sha256)))
}

/// `key 12345 (ZSK, ECDSAP256SHA256)`, of a key beside these of its zone: without a ZSK of its algorithm one that the parent knows signs everything, and is a CSK. `now` is in seconds since the epoch.
pub(super) fn titled<'k>(key: &ZoneKey, keys: impl IntoIterator<Item = &'k ZoneKey>, now: u64) -> String {
    let is_zsk = |one: &ZoneKey| one.role() == Role::Zsk && one.algorithm() == key.algorithm();
    let has_zsk = || keys.into_iter().any(|one| is_zsk(one) && !one.times().is_over(now));
    let role = match key.role() {
        Role::Zsk => ZoneKeyRole::Zsk,
        Role::Ksk if has_zsk() => ZoneKeyRole::Ksk,
        Role::Ksk => ZoneKeyRole::Csk,
    };
    titled_as(key.tag(), role, key.algorithm())
}

/// The same of a key of which it is known what it is for.
pub(super) fn titled_as(tag: u16, role: ZoneKeyRole, algorithm: Algorithm) -> String {
    format!("key {tag} ({}, {algorithm})", role.name())
}

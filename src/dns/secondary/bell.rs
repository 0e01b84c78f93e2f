//! What threads that answer queries tell the control thread: that a primary says there is something new.

#![allow(clippy::disallowed_types, reason = "it is locked for a NOTIFY of a primary, never for a query")]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// A zone's apex in wire format, and the primary's address.
pub type Told = (Box<[u8]>, IpAddr);

/// What has been told and not heard yet: of each primary of each zone once.
#[derive(Debug, Default)]
pub struct Bell {
    told: Mutex<BTreeSet<Told>>,
    news: Notify,
}

impl Bell {
    /// This primary of this zone has something new. Only for those that the document has, which bounds it.
    pub fn ring(&self, apex: &[u8], primary: IpAddr) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).insert((apex.into(), primary));
        self.news.notify_one();
    }

    /// Waits for something, and gives all there is.
    pub async fn heard(&self) -> BTreeSet<Told> {
        loop {
            let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
            if !told.is_empty() {
                return told;
            }
            self.news.notified().await;
        }
    }
}

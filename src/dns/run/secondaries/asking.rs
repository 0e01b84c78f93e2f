//! One question for one primary: its serial, then what has changed or the whole zone, which is made and stored.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinError;

use super::link::{Link, LinkError};
use super::store::{Leave, Places};
use crate::dns::catalog::reading;
use crate::dns::compiled::Zone;
use crate::dns::control::{Answered, Question};
use crate::dns::journal;
use crate::dns::secondary::incoming::Brought;
use crate::dns::secondary::made::{self, Unfit};
use crate::dns::secondary::timers::Times;
use crate::dns::tsig::Key;
use crate::zone::name;
use crate::zone::serial::is_newer;

/// Why nothing has come of a question, for the operator.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("it has serial {0}, which is not newer than {1}, which is here")]
    HasOlder(u32, u32),
    #[error("it sends serial {0}, which is not newer than {1}, which is here")]
    SendsOlder(u32, u32),
    #[error("it says that there is something newer, and sends nothing")]
    Nothing,
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("what is stored of the zone cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("what it sends cannot be stored: {0}")]
    NotStored(#[source] io::Error),
    #[error("the document that it was asked for is not in force any more")]
    Withdrawn,
    #[error(transparent)]
    Thread(#[from] JoinError),
}

impl AskError {
    /// The primary could not be reached, for whatever zone.
    pub(super) fn is_of_primary(&self) -> bool {
        matches!(self, AskError::Link(LinkError::Unreachable(_) | LinkError::NoConnection))
    }
}

/// One question for one primary.
pub(super) struct Asking {
    pub(super) question: Question,
    pub(super) key: Option<Key>,
    /// The address that is asked from.
    pub(super) from: SocketAddr,
    pub(super) places: Places,
    pub(super) leave: Leave,
    /// The turns of transfers.
    pub(super) transfers: Rc<Semaphore>,
}

impl Asking {
    pub(super) async fn ask(self) -> Result<Answered, AskError> {
        let apex = name::from_text(&self.question.apex).unwrap_or_default();
        let mut link = self.link().await?;
        let serial = link.serial(&apex).await?;
        let held = self.question.held.as_ref().map(|zone| zone.serial);
        match held {
            Some(held) if serial == held => return self.confirm().await,
            Some(held) if !is_newer(serial, held) => {
                return Err(AskError::HasOlder(serial, held));
            }
            _ => {}
        }
        // The semaphore is never closed.
        let _turn = self.transfers.acquire().await;
        if let Some(held) = held {
            let differences = match link.transfer(&apex, Some(held)).await {
                Ok(brought) => self.take(brought).await,
                Err(why) => Err(why.into()),
            };
            match differences {
                Ok(answered) => return Ok(answered),
                Err(why) => tracing::info!(
                    "zone {}: primary {}: what has changed since {held} cannot be used: {why}; the whole zone is asked for",
                    self.question.apex,
                    self.question.primary.address
                ),
            }
            link = self.link().await?;
        }
        let brought = link.transfer(&apex, None).await?;
        self.take(brought).await
    }

    async fn link(&self) -> Result<Link<'_>, LinkError> {
        Link::open(self.from, &self.question.primary, self.key.as_ref()).await
    }

    async fn confirm(self) -> Result<Answered, AskError> {
        let Asking { question, places, leave, .. } = self;
        at_store(leave, move |leave| {
            if !leave.is_withdrawn()
                && let Err(why) = places.stored.confirm(&question.apex)
            {
                // It expires sooner after a restart, and is served all the same.
                tracing::warn!("zone {}: that a primary has confirmed it cannot be written: {why}", question.apex);
            }
            Ok(Answered::Same)
        })
        .await
    }

    /// Makes a zone of what has come, and stores it.
    async fn take(&self, brought: Brought) -> Result<Answered, AskError> {
        let (apex, config, to) =
            (self.question.apex.clone(), self.question.config.clone(), self.question.primary.address);
        let (held, places) = (self.question.held.clone(), self.places.clone());
        at_store(self.leave.clone(), move |leave| {
            let are_differences = matches!(brought, Brought::Differences(_));
            let stored = match are_differences {
                true => places.stored.read(&apex).map_err(AskError::Unreadable)?,
                false => None,
            };
            let records = made::records(brought, stored.as_ref().map(|(records, _)| records.as_slice()))?;
            let records = records.ok_or(AskError::Nothing)?;
            let made = made::zone(&apex, &records, config.checks)?;
            let (mut zone, times): (Zone, Times) = (made.zone, made.times);
            zone.is_catalog = config.is_catalog();
            if let Some(held) = held.as_ref().filter(|held| !is_newer(zone.serial, held.serial)) {
                return Err(AskError::SendsOlder(zone.serial, held.serial));
            }
            if leave.is_withdrawn() {
                return Err(AskError::Withdrawn);
            }
            // The last catalog that was sound is what a restart goes by.
            if config.member().is_none() || reading::members(&zone).is_ok() {
                places.stored.write(&apex, &records).map_err(AskError::NotStored)?;
            }
            match &held {
                Some(held) => journal::follow(&mut zone, &config, held),
                None => journal::follow_stored(&mut zone, &config, || places.journals.read(&apex), || None),
            }
            let how = match &held {
                Some(held) if are_differences => format!("what has changed since {}", held.serial),
                _ => "the whole zone".to_owned(),
            };
            let how = format!("serial {} has come from {to}: {how}", zone.serial);
            Ok(Answered::Newer(Arc::new(zone), times, how))
        })
        .await
    }
}

/// Works with what is stored of the zone, on a thread that may wait for a disk.
async fn at_store(
    leave: Leave,
    work: impl FnOnce(&Leave) -> Result<Answered, AskError> + Send + 'static,
) -> Result<Answered, AskError> {
    let held = Arc::clone(&leave.store).lock_owned().await;
    let work = move || {
        let done = work(&leave);
        drop(held);
        done
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.into()))
}

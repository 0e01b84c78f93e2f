//! The nameservers that are asked how their signed zones stand.

use crate::api::daemon::Daemon;
use crate::push::error::Error;
use crate::verbs::args::DaemonsArg;
use crate::verbs::daemons::{Finder, Hosts};
use crate::verbs::replies::{DaemonReply, ask_all};

/// What each of them says.
///
/// # Errors
///
/// There is none, or none answered.
pub(super) fn ask_nameservers(daemons: &DaemonsArg) -> Result<Vec<DaemonReply>, Error> {
    let selection = Finder::new(daemons, Hosts::WithDaemons).find()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("the runtime did not start: {error}")))?;
    let mut replies = runtime.block_on(ask_all(&selection.daemons));
    replies.retain(|one| one.role() != Some(Daemon::Proxy));
    if replies.is_empty() {
        return Err(Error::new("no nameserver is among the daemons that are asked"));
    }
    if replies.iter().all(|one| one.answer.is_err()) {
        return Err(Error::new("no nameserver answered; `polder status` tells why"));
    }
    Ok(replies)
}

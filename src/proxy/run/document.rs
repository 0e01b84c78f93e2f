//! `proxy.json`, as the life of a daemon sees it.

use std::path::Path;

use crate::config::{Findings, ProxyConfig, proxy};
use crate::daemon::key_file::KeyError;
use crate::daemon::lifecycle::descriptors::DescriptorError;
use crate::daemon::lifecycle::{Document, Settings};
use crate::daemon::peers::Identity;
use crate::daemon::sockets::Listing;
use crate::health::Targets;
use crate::proxy::control::prepared::Prepared;

impl Document for Prepared {
    type Parsed = ProxyConfig;

    fn parse(file: &Path) -> Result<ProxyConfig, Findings> {
        proxy::load(file)
    }

    fn with_keys(document: ProxyConfig) -> Result<Prepared, Vec<KeyError>> {
        Prepared::with_keys(document).map_err(|error| vec![error])
    }

    fn fit(&mut self, open_files: u64) -> Result<Option<String>, DescriptorError> {
        Prepared::fit(self, open_files)
    }

    fn in_words(document: &ProxyConfig) -> String {
        format!("{} services", document.services.len())
    }

    fn settings_of(document: &ProxyConfig) -> Settings<'_> {
        Settings {
            name: &document.name,
            state_dir: &document.state_dir,
            admin: &document.admin,
            peers: document.peers.as_ref(),
            fixed_workers: document.workers,
            drain: document.timeouts.drain,
        }
    }

    fn listens_on(document: &ProxyConfig) -> Listing {
        let tcp = document.listeners.iter().map(|listener| listener.address).collect();
        Listing { tcp, udp: Vec::new() }
    }

    fn settings(&self) -> Settings<'_> {
        Prepared::settings_of(&self.document)
    }

    fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    fn targets(&self) -> Targets {
        Prepared::targets(self)
    }
}
